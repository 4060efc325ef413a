/// How one quantity goes with another: a line by least squares, with an exponential memory, and how sure it is.
#[derive(Debug, Default)]
pub(super) struct Trend {
    weight: f64,
    x: f64,
    y: f64,
    // Sums over what is remembered, of products of differences from the means (West, 1979).
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Trend {
    pub(super) fn add(&mut self, x: f64, y: f64) {
        let keep = 1.0 - 1.0 / MEMORY;
        self.weight = self.weight * keep + 1.0;
        let (dx, dy) = (x - self.x, y - self.y);
        self.x += dx / self.weight;
        self.y += dy / self.weight;
        self.xx = self.xx * keep + dx * (x - self.x);
        self.xy = self.xy * keep + dx * (y - self.y);
        self.yy = self.yy * keep + dy * (y - self.y);
    }

    /// The mean of the first quantity.
    pub(super) fn x(&self) -> f64 {
        self.x
    }

    /// Whether the slope of the line is above `least` by more than twice its standard error.
    pub(super) fn is_steeper_than(&self, least: f64) -> bool {
        if self.weight < ENOUGH || self.xx < SPREAD * self.weight {
            return false;
        }
        let slope = self.xy / self.xx;
        let rest = (self.yy - slope * self.xy).max(0.0);
        let error = (rest / (self.weight - 2.0) / self.xx).sqrt();
        slope - 2.0 * error > least
    }
}

/// A limit that grows to eight times what it was remembers some calls of the level before.
const MEMORY: f64 = 256.0;
/// Fewer fit any line.
const ENOUGH: f64 = 12.0;
/// The least variance of what is a logarithm: it varies by a tenth.
const SPREAD: f64 = 0.01;

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    use super::*;

    fn trend(points: impl IntoIterator<Item = (f64, f64)>) -> Trend {
        let mut trend = Trend::default();
        points.into_iter().for_each(|(x, y)| trend.add(x, y));
        trend
    }

    #[test]
    fn a_line_is_as_steep_as_it_is() {
        let line = || trend((0..40).map(|n| (f64::from(n) / 10.0, f64::from(n) / 10.0)));
        assert!(line().is_steeper_than(0.99));
        assert!(!line().is_steeper_than(1.01));
    }

    #[test]
    fn few_points_or_points_at_one_place_say_nothing() {
        assert!(!trend((0..8).map(|n| (f64::from(n), f64::from(n)))).is_steeper_than(0.5));
        assert!(!trend((0..99).map(|n| (1.0, f64::from(n)))).is_steeper_than(0.5));
    }

    #[test]
    fn noise_is_no_slope() {
        // Two sequences of low discrepancy that have nothing to do with each other.
        let spread = |n: u32, by: f64| (f64::from(n) * by).fract() - 0.5;
        let points =
            |times: f64| (0..60).map(move |n| (spread(n, 0.618_034), times * spread(n, 0.414_214)));
        assert!(!trend(points(1.0)).is_steeper_than(0.5));
        let with = |(x, y): (f64, f64)| (x, y + x);
        assert!(trend(points(0.2).map(with)).is_steeper_than(0.5));
    }
}
