/// Round numbers from zero to the first one that reaches a highest value.
#[derive(Debug)]
pub(crate) struct Ticks {
    step: f64,
    count: u32,
}

impl Ticks {
    /// Some five steps, of one, two, two and a half or five times a power of ten.
    pub(crate) fn up_to(highest: f64) -> Self {
        let rough = highest / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        Self {
            step,
            count: (highest / step).ceil() as u32,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = f64> {
        (0..=self.count).map(|i| f64::from(i) * self.step)
    }

    /// The last of them.
    pub(crate) fn top(&self) -> f64 {
        f64::from(self.count) * self.step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_the_highest_value() {
        for (highest, top, count) in [
            (5.0, 5.0, 5),
            (12.0, 12.5, 5),
            (40.0, 40.0, 4),
            (433.0, 500.0, 5),
            (1_290.0, 1_500.0, 3),
        ] {
            let ticks = Ticks::up_to(highest);
            assert_eq!((ticks.top(), ticks.count), (top, count));
            assert_eq!(ticks.iter().last(), Some(top));
        }
    }
}
