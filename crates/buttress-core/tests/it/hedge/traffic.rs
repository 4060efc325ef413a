use std::time::Duration;

use buttress_core::hedge::HedgeDelay;

use super::at;

/// The distribution of call latencies.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Latency {
    /// One call in this many takes a second, the others 10 ms.
    Bimodal(u64),
    Exponential,
    LogNormal,
    /// With a shape of 1.1, so that the mean is finite and the variance is not.
    Pareto,
    Uniform,
}

/// The effect of hedging on a number of calls.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) hedged: u64,
    /// The number of calls that outlasted the delay and were not hedged because the share was spent.
    pub(crate) refused: u64,
}

impl Tally {
    pub(crate) fn share(&self) -> f64 {
        self.hedged as f64 / self.calls as f64
    }
}

impl Latency {
    pub(crate) fn sample(self, draws: &mut Draws) -> Duration {
        let millis = match self {
            Self::Bimodal(one_in) if draws.next().is_multiple_of(one_in) => 1_000.0,
            Self::Bimodal(_) => 10.0,
            Self::Exponential => -20.0 * draws.unit().ln(),
            Self::LogNormal => {
                let radius = (-2.0 * draws.unit().ln()).sqrt();
                let normal = radius * (std::f64::consts::TAU * draws.unit()).cos();
                20.0 * normal.exp()
            }
            Self::Pareto => 10.0 * draws.unit().powf(-1.0 / 1.1),
            Self::Uniform => 100.0 * draws.unit(),
        };
        Duration::from_secs_f64(millis / 1_000.0)
    }
}

/// Makes calls from `start` on, a thousand a second, each `slower` times as long as its latency. The caller takes the
/// first response, so a hedged call is recorded with the time of its faster attempt.
pub(crate) fn run(
    hedge: &HedgeDelay,
    start: Duration,
    calls: u64,
    latency: Latency,
    slower: u32,
    draws: &mut Draws,
) -> Tally {
    let mut tally = Tally::default();
    for call in 0..calls {
        let now = at(start + Duration::from_millis(call));
        let mut took = latency.sample(draws) * slower;
        tally.calls += 1;
        if let Some(delay) = hedge.delay(now).filter(|delay| took > *delay) {
            match hedge.reserve(now) {
                Ok(reservation) => {
                    tally.hedged += 1;
                    took = took.min(delay + latency.sample(draws) * slower);
                    hedge.finish(reservation);
                }
                Err(_) => tally.refused += 1,
            }
        }
        hedge.record(took, true, now);
    }
    tally
}

/// A reproducible stream of uniform random numbers: SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug)]
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in `(0, 1]`.
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }
}
