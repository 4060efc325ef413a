use std::time::{Duration, Instant};

use crate::sync::{Mutex, MutexGuard, lock};
use crate::time::{Origin, nanos};
use crate::{ConfigError, FailureKind, Outcome};

/// How much a client sends to a dependency that rejects many calls.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`multiplier`](Self::multiplier) | 2 | calls sent for each call that was accepted |
/// | [`window`](Self::window) | 10 s | over how long both are counted |
/// | [`floor`](Self::floor) | 5 a second | calls that are sent in any case, to detect a recovery |
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThrottleConfig {
    multiplier: f64,
    window: Duration,
    floor: u32,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            multiplier: 2.0,
            window: Duration::from_secs(10),
            floor: 5,
        }
    }
}

impl ThrottleConfig {
    /// Sends at most this multiple of the accepted calls. Calls are never held back while less than a share of
    /// `(multiplier - 1) / (multiplier + 1)` of them fails: a third, for 2.
    #[must_use]
    pub fn multiplier(mut self, multiplier: f64) -> Self {
        self.multiplier = multiplier;
        self
    }

    /// The time over which calls are counted, 10 seconds by default. A dependency that has recovered is used in full
    /// within that time.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// How many calls a second are sent in any case. That should be a few dozen calls per window, because ratios of few
    /// calls vary.
    #[must_use]
    pub fn floor(mut self, a_second: u32) -> Self {
        self.floor = a_second;
        self
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// A multiplier that is not above 1 and at most 100, a window below 100 ms or above an hour, a floor of 0.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(self.multiplier > 1.0 && self.multiplier <= 100.0) {
            let bound = "above 1 and at most 100";
            return Err(ConfigError::new(
                "throttle.multiplier",
                self.multiplier,
                bound,
            ));
        }
        let bounds = Duration::from_millis(100)..=Duration::from_secs(3600);
        if !bounds.contains(&self.window) {
            let value = format!("{:?}", self.window);
            return Err(ConfigError::new(
                "throttle.window",
                value,
                "from 100ms to 1h",
            ));
        }
        if self.floor == 0 {
            // The recovery of the dependency would never be noticed.
            return Err(ConfigError::new("throttle.floor", 0, "at least 1"));
        }
        Ok(())
    }
}

/// A client-side throttle with a target rate: once a considerable ratio of calls is rejected, it sends at most
/// `max(floor, multiplier × accepted)`, evenly, where accepted calls are counted over the last window.
///
/// The adaptive throttle of Google's *Site Reliability Engineering* (chapter 21) rejects each call with a probability,
/// computed from the requests of two minutes including its own rejections. The rate is the same, but it recovers from
/// an outage only after those two minutes, and later with each rejection of its own. Here its own rejections are not
/// counted, and there is no random number.
///
/// ```
/// use std::time::{Duration, Instant};
/// use buttress_core::{FailureKind, Outcome, Throttle, ThrottleConfig};
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// let now = Instant::now();
/// let throttle = Throttle::new(ThrottleConfig::default(), now)?;
/// let sent = (0..1_000).filter(|_| {
///     let sent = throttle.admit(now).is_ok();
///     if sent {
///         throttle.settle(Outcome::Failure(FailureKind::Overload), now);
///     }
///     sent
/// });
/// // Ten seconds' worth of the floor at once, and after that at its rate.
/// assert_eq!(sent.count(), 51);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Throttle {
    origin: Origin,
    /// The counts, which a call changes when it begins and when it ends.
    locked: Mutex<Locked>,
}

/// What a throttle counted in the window at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ThrottleSnapshot {
    /// Calls that were sent.
    pub sent: u64,
    /// Calls that the dependency accepted.
    pub accepted: u64,
    /// Calls that it did not accept.
    pub refused: u64,
}

#[derive(Debug)]
struct Locked {
    config: ThrottleConfig,
    buckets: [ThrottleSnapshot; BUCKETS],
    sum: ThrottleSnapshot,
    /// The number of the newest bucket.
    newest: u64,
    holding: bool,
    /// From when the next call may be sent, in nanoseconds, while holding.
    next_turn: u64,
}

impl Throttle {
    /// A throttle without counts, which rejects nothing.
    ///
    /// # Errors
    ///
    /// What [`ThrottleConfig::check`] rejects.
    pub fn new(config: ThrottleConfig, now: Instant) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            origin: Origin::new(now),
            locked: Mutex::new(Locked {
                config,
                buckets: [ThrottleSnapshot::default(); BUCKETS],
                sum: ThrottleSnapshot::default(),
                newest: 0,
                holding: false,
                next_turn: 0,
            }),
        })
    }

    /// Admits a call or rejects it. An admitted call is counted, and must be [settled](Self::settle) or
    /// [withdrawn](Self::withdraw).
    ///
    /// # Errors
    ///
    /// How long until the next call is admitted.
    pub fn admit(&self, now: Instant) -> Result<(), Duration> {
        let mut locked = self.lock(now);
        if locked.is_holding() {
            locked.take_turn(self.origin.nanos_at(now))?;
        }
        locked.count(|counts| counts.sent += 1);
        Ok(())
    }

    /// Records how a call ended. The dependency accepted a call that it responded to, also with an error; it did not
    /// accept a call that it rejected, that timed out, or that did not reach it.
    pub fn settle(&self, outcome: Outcome, now: Instant) {
        match outcome {
            Outcome::Success | Outcome::Failure(FailureKind::Error) => {
                self.lock(now).count(|counts| counts.accepted += 1);
            }
            Outcome::Failure(
                FailureKind::Overload | FailureKind::Timeout | FailureKind::Transport,
            ) => self.lock(now).count(|counts| counts.refused += 1),
            Outcome::Ignored => self.withdraw(now),
        }
    }

    /// Forgets a call without a result: the caller left before its end.
    pub fn withdraw(&self, now: Instant) {
        self.lock(now).withdraw();
    }

    /// Takes a new configuration. Counts are kept, unless the window is another.
    ///
    /// # Errors
    ///
    /// What [`ThrottleConfig::check`] rejects; then nothing changes.
    pub fn reconfigure(&self, config: ThrottleConfig, now: Instant) -> Result<(), ConfigError> {
        config.check()?;
        let mut locked = self.lock(now);
        if locked.config.window != config.window {
            locked.buckets = [ThrottleSnapshot::default(); BUCKETS];
            locked.sum = ThrottleSnapshot::default();
            locked.newest = self.origin.nanos_at(now) / bucket(&config);
        }
        locked.config = config;
        Ok(())
    }

    /// The counts of the window.
    pub fn snapshot(&self, now: Instant) -> ThrottleSnapshot {
        self.lock(now).sum
    }

    fn lock(&self, now: Instant) -> MutexGuard<'_, Locked> {
        let mut locked = lock(&self.locked);
        let number = self.origin.nanos_at(now) / bucket(&locked.config);
        locked.advance(number);
        locked
    }
}

impl Locked {
    /// Removes counts older than the window.
    fn advance(&mut self, number: u64) {
        let passed = number.saturating_sub(self.newest).min(BUCKETS as u64);
        for step in 1..=passed {
            let old = &mut self.buckets[((self.newest + step) % BUCKETS as u64) as usize];
            self.sum.sent -= old.sent;
            self.sum.accepted -= old.accepted;
            self.sum.refused -= old.refused;
            *old = ThrottleSnapshot::default();
        }
        if passed == BUCKETS as u64 {
            self.sum = ThrottleSnapshot::default();
        }
        self.newest = self.newest.max(number);
    }

    fn count(&mut self, change: impl Fn(&mut ThrottleSnapshot)) {
        change(&mut self.buckets[(self.newest % BUCKETS as u64) as usize]);
        change(&mut self.sum);
    }

    /// Takes a call back out of the newest bucket that counts one. Where none does, the call is forgotten already.
    fn withdraw(&mut self) {
        let oldest = (self.newest + 1) as usize;
        for back in (0..BUCKETS).rev() {
            let counts = &mut self.buckets[(oldest + back) % BUCKETS];
            if counts.sent > 0 {
                counts.sent -= 1;
                self.sum.sent -= 1;
                return;
            }
        }
    }

    /// Whether the dependency rejects so many calls that sending is paced.
    fn is_holding(&mut self) -> bool {
        let Self { config, sum, .. } = self;
        let (sent, accepted) = (sum.sent as f64, sum.accepted as f64);
        // As long as this much fails there is a reason, and not before: else a burst would be held back while its
        // first answers are still to come.
        let fails = sum.refused as f64 > (config.multiplier - 1.0) / 2.0 * accepted;
        let floor = f64::from(config.floor) * config.window.as_secs_f64();
        let is_over = sent >= floor.max(config.multiplier * accepted);
        self.holding = fails && (self.holding || is_over);
        self.holding
    }

    /// Admits a call at the target rate, spread evenly: a whole window's calls at once would be rejected.
    fn take_turn(&mut self, at: u64) -> Result<(), Duration> {
        let Self { config, sum, .. } = self;
        let accepted = sum.accepted as f64 / config.window.as_secs_f64();
        let a_second = f64::from(config.floor).max(config.multiplier * accepted);
        // After a pause, the floor makes up for one bucket and not for more.
        let turn = self.next_turn.max(at.saturating_sub(bucket(config)));
        if turn > at {
            return Err(Duration::from_nanos(turn - at));
        }
        self.next_turn = turn + (1e9 / a_second) as u64;
        Ok(())
    }
}

/// How long a bucket is, in nanoseconds.
fn bucket(config: &ThrottleConfig) -> u64 {
    nanos(config.window) / BUCKETS as u64
}

const BUCKETS: usize = 20;
