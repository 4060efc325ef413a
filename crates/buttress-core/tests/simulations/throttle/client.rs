use std::collections::VecDeque;
use std::time::{Duration, Instant};

use buttress_core::{FailureKind, Outcome, Throttle, ThrottleConfig};

/// A client with or without a throttle.
pub(crate) trait Client {
    fn name(&self) -> &'static str;
    fn clock(&mut self) -> &mut Clock;
    fn sends(&mut self) -> bool;
    fn hears(&mut self, accepted: bool);
}

/// The virtual time of a client, and its seeded random numbers.
pub(crate) struct Clock {
    start: Instant,
    seconds: f64,
    seed: u64,
    /// The responses in flight: their times, and whether the calls were accepted.
    answers: VecDeque<(f64, bool)>,
    /// The remaining capacity of the dependency.
    places: f64,
}

/// The results of a run.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) offered: f64,
    pub(crate) sent: f64,
    pub(crate) answered: f64,
}

/// Offers calls at random times to a dependency that responds after 50 ms. The dependency rejects calls above its
/// capacity, and the share `failing` of the rest.
pub(crate) fn run(
    client: &mut dyn Client,
    seconds: f64,
    offered: f64,
    capacity: f64,
    failing: f64,
) -> Tally {
    let mut tally = Tally::default();
    let end = client.clock().seconds + seconds;
    while client.clock().seconds < end {
        let gap = if offered > 0.0 {
            -client.clock().chance().ln() / offered
        } else {
            end - client.clock().seconds
        };
        let now = (client.clock().seconds + gap).min(end);
        client.clock().seconds = now;
        while let Some(&(at, accepted)) = client.clock().answers.front()
            && at <= now
        {
            client.clock().answers.pop_front();
            tally.answered += f64::from(u8::from(accepted));
            client.hears(accepted);
        }
        if now >= end {
            break;
        }
        let clock = client.clock();
        clock.places = (clock.places + gap * capacity).min(1.0 + capacity / 10.0);
        tally.offered += 1.0;
        if client.sends() {
            tally.sent += 1.0;
            let clock = client.clock();
            let accepted = clock.places >= 1.0 && clock.chance() >= failing;
            clock.places -= f64::from(u8::from(accepted));
            clock.answers.push_back((now + 0.05, accepted));
        }
    }
    tally
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            seconds: 0.0,
            seed: 0x9E37_79B9_7F4A_7C15,
            answers: VecDeque::new(),
            places: 0.0,
        }
    }
}

impl Clock {
    fn now(&self) -> Instant {
        self.start + Duration::from_secs_f64(self.seconds)
    }

    fn bits(&mut self) -> u64 {
        self.seed ^= self.seed >> 12;
        self.seed ^= self.seed << 25;
        self.seed ^= self.seed >> 27;
        self.seed.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn chance(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
}

/// Sends every call.
#[derive(Default)]
pub(crate) struct Free(Clock);

impl Client for Free {
    fn name(&self) -> &'static str {
        "nothing held back"
    }

    fn clock(&mut self) -> &mut Clock {
        &mut self.0
    }

    fn sends(&mut self) -> bool {
        true
    }

    fn hears(&mut self, _: bool) {}
}

/// Holds a call back with the probability `(requests - multiple × accepts) / (requests + 1)`, or `most` if that is
/// lower.
pub(crate) struct Lots {
    name: &'static str,
    multiple: f64,
    window: f64,
    most: f64,
    /// Whether a call that is held back counts as a request.
    counts_own: bool,
    clock: Clock,
    requests: VecDeque<f64>,
    accepts: VecDeque<f64>,
}

impl Lots {
    /// Google, *Site Reliability Engineering*, chapter 21.
    pub(crate) fn sre() -> Self {
        Self::new("SRE, K = 2, 2 min", 2.0, 120.0, 1.0, true)
    }

    /// The defaults of Envoy's admission control: a success rate of 95 %, and at most 80 % of calls held back.
    pub(crate) fn envoy() -> Self {
        Self::new("Envoy, 95 %, 30 s", 1.0 / 0.95, 30.0, 0.8, false)
    }

    fn new(name: &'static str, multiple: f64, window: f64, most: f64, counts_own: bool) -> Self {
        Self {
            name,
            multiple,
            window,
            most,
            counts_own,
            clock: Clock::default(),
            requests: VecDeque::new(),
            accepts: VecDeque::new(),
        }
    }
}

impl Client for Lots {
    fn name(&self) -> &'static str {
        self.name
    }

    fn clock(&mut self) -> &mut Clock {
        &mut self.clock
    }

    fn sends(&mut self) -> bool {
        let now = self.clock.seconds;
        for times in [&mut self.requests, &mut self.accepts] {
            while times.front().is_some_and(|at| now - at > self.window) {
                times.pop_front();
            }
        }
        let (requests, accepts) = (self.requests.len() as f64, self.accepts.len() as f64);
        let held_back = (requests - self.multiple * accepts) / (requests + 1.0);
        let sends = self.clock.chance() >= held_back.min(self.most);
        if sends || self.counts_own {
            self.requests.push_back(now);
        }
        sends
    }

    fn hears(&mut self, accepted: bool) {
        if accepted {
            self.accepts.push_back(self.clock.seconds);
        }
    }
}

/// Finagle's nack admission filter with its defaults: a call is held back with the probability `1 - 2 × accepted`,
/// where `accepted` is an exponential average of the accepted share over two minutes. At most 75 % of calls are held
/// back, and none below five calls a second.
#[derive(Default)]
pub(crate) struct Nacks {
    clock: Clock,
    refused: f64,
    heard: f64,
    recent: VecDeque<f64>,
}

impl Client for Nacks {
    fn name(&self) -> &'static str {
        "Finagle, 50 %, 2 min"
    }

    fn clock(&mut self) -> &mut Clock {
        &mut self.clock
    }

    fn sends(&mut self) -> bool {
        let now = self.clock.seconds;
        self.recent.push_back(now);
        while self.recent.front().is_some_and(|at| now - at > 1.0) {
            self.recent.pop_front();
        }
        let held_back = (1.0 - 2.0 * (1.0 - self.refused)).min(0.75);
        self.recent.len() < 5 || self.clock.chance() >= held_back
    }

    fn hears(&mut self, accepted: bool) {
        let fade = (-(self.clock.seconds - self.heard) / 120.0).exp();
        self.heard = self.clock.seconds;
        self.refused = self.refused * fade + f64::from(u8::from(!accepted)) * (1.0 - fade);
    }
}

/// The rule under test.
pub(crate) struct RateTarget {
    clock: Clock,
    throttle: Throttle,
}

impl RateTarget {
    pub(crate) const NAME: &'static str = "rate target, K = 2, 10 s";
}

impl Default for RateTarget {
    fn default() -> Self {
        let clock = Clock::default();
        let throttle = Throttle::new(ThrottleConfig::default(), clock.start);
        Self {
            throttle: throttle.expect("the defaults are within their bounds"),
            clock,
        }
    }
}

impl Client for RateTarget {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn clock(&mut self) -> &mut Clock {
        &mut self.clock
    }

    fn sends(&mut self) -> bool {
        let now = self.clock.now();
        self.throttle.admit(now, || self.clock.bits()).is_ok()
    }

    fn hears(&mut self, accepted: bool) {
        let outcome = if accepted {
            Outcome::Success
        } else {
            Outcome::Failure(FailureKind::Overload)
        };
        self.throttle.settle(outcome, self.clock.now());
    }
}
