use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;

use super::lines::Line;

const WORKERS: usize = 10;
/// The mean service time. All times here are in seconds.
const SERVICE: f64 = 0.010;
/// The time within which a caller needs the response.
pub(crate) const PATIENCE: f64 = 0.200;
const CAPACITY: f64 = WORKERS as f64 / SERVICE;
const LENGTH: f64 = 200.0;

/// Offers this multiple of the capacity. Returns the responses in time.
pub(crate) fn simulate(mut line: Box<dyn Line>, load: f64) -> Tally {
    let mut dice = Dice(20);
    let arrivals = arrivals(load * CAPACITY, &mut dice);
    let mut arrivals = arrivals.into_iter().peekable();
    // End, arrival and duration of each running call, in nanoseconds so that they can be ordered.
    let mut busy: BinaryHeap<Reverse<(u64, u64, u64)>> = BinaryHeap::new();
    let mut latencies = Vec::new();
    while let Some(&arrival) = arrivals.peek() {
        let end = busy
            .peek()
            .map_or(f64::MAX, |Reverse((end, ..))| seconds(*end));
        let now = arrival.min(end);
        if arrival <= end {
            line.push(arrival);
            arrivals.next();
        } else if let Some(Reverse((_, arrived, took))) = busy.pop() {
            let latency = now - seconds(arrived);
            line.served(seconds(took), now);
            if latency <= PATIENCE {
                latencies.push(latency);
            }
        }
        while busy.len() < WORKERS {
            let Some(arrived) = line.next(now) else { break };
            let took = dice.exponential(SERVICE);
            busy.push(Reverse((nanos(now + took), nanos(arrived), nanos(took))));
        }
    }
    latencies.sort_by(f64::total_cmp);
    Tally { latencies }
}

/// The latencies of the responses in time, in increasing order.
pub(crate) struct Tally {
    latencies: Vec<f64>,
}

impl Tally {
    /// The responses in time, as a share of the capacity.
    pub(crate) fn goodput(&self) -> f64 {
        self.latencies.len() as f64 / (LENGTH * CAPACITY)
    }

    pub(crate) fn percentile(&self, share: f64) -> f64 {
        let rank = (self.latencies.len() as f64 * share) as usize;
        self.latencies.get(rank).copied().unwrap_or(f64::NAN)
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (goodput, p50) = (self.goodput(), self.percentile(0.5));
        write!(f, "goodput {goodput:.4}, p50 {p50:.4} s")
    }
}

/// The arrival times of a Poisson process, conditioned on the expected number of arrivals, so that the number does not
/// depend on chance.
fn arrivals(rate: f64, dice: &mut Dice) -> Vec<f64> {
    let count = (rate * LENGTH) as usize;
    let mut moment = 0.0;
    let mut moments: Vec<f64> = (0..count)
        .map(|_| {
            moment += dice.exponential(1.0);
            moment
        })
        .collect();
    let scale = LENGTH / (moment + dice.exponential(1.0));
    moments.iter_mut().for_each(|moment| *moment *= scale);
    moments
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct Dice(u64);

impl Dice {
    fn exponential(&mut self, mean: f64) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let uniform = (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        -mean * uniform.ln()
    }
}

fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 * 1e-9
}
