use std::time::Duration;

/// Times, ordered by how long they were.
#[derive(Debug)]
pub(crate) struct Percentiles(Vec<Duration>);

impl Percentiles {
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }

    /// The shortest time that `share` of the times do not exceed, in milliseconds to three decimals;
    /// nothing, if there were none.
    pub(crate) fn ms(&self, share: f64) -> Option<f64> {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        let time = self.0.get(rank.saturating_sub(1))?;
        Some(time.as_micros() as f64 / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times = Percentiles::of((1..=1_000).rev().map(Duration::from_millis));
        for (share, ms) in [(0.0, 1.0), (0.5, 500.0), (0.99, 990.0), (1.0, 1_000.0)] {
            assert_eq!(times.ms(share), Some(ms));
        }
    }

    #[test]
    fn one_time_is_every_percentile() {
        let times = Percentiles::of([Duration::from_micros(1_500)]);
        assert_eq!([times.ms(0.5), times.ms(0.99)], [Some(1.5), Some(1.5)]);
    }

    #[test]
    fn nothing_has_no_percentiles() {
        assert_eq!(Percentiles::of([]).ms(0.5), None);
    }
}
