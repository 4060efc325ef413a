use std::time::{Duration, Instant};

use crate::sync::{Mutex, MutexGuard, lock};
use crate::time::{Origin, nanos};
use crate::{ConfigError, FailureKind, Outcome};

/// How many calls a client sends to a dependency that rejects calls.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`multiplier`](Self::multiplier) | 2 | calls sent for each accepted call |
/// | [`window`](Self::window) | 10 s | the time over which calls are counted |
/// | [`floor`](Self::floor) | 5 | calls per second that are sent in an outage, to detect a recovery |
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
    /// Sends at most this multiple of the accepted calls, 2 by default. No call is rejected while the share of failed
    /// calls is below `(multiplier - 1) / (multiplier + 1)`: a third, for 2.
    #[must_use]
    pub fn multiplier(mut self, multiplier: f64) -> Self {
        self.multiplier = multiplier;
        self
    }

    /// The time over which calls are counted, 10 seconds by default. A dependency that has recovered gets all calls
    /// again within this time.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// The lowest rate that is computed from the window, in calls per second, 5 by default: it is what a client with many
    /// calls sends in an outage. It should allow a few dozen calls in a window, because ratios of fewer calls vary too
    /// much. Below it calls are sent by chance, at least one in ten.
    #[must_use]
    pub fn floor(mut self, a_second: u32) -> Self {
        self.floor = a_second;
        self
    }

    /// Checks the configuration.
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
            // With 0, a recovery of the dependency would never be detected.
            return Err(ConfigError::new("throttle.floor", 0, "at least 1"));
        }
        Ok(())
    }
}

/// A client-side throttle. Once the share of calls that a dependency does not accept is too high, it sends at most
/// `max(floor, multiplier × accepted)`, spread evenly, where accepted calls are counted over the last window.
///
/// Below the floor a window has too few calls to compute a rate from. There, each call is sent with a probability that
/// every accepted call raises and every other one lowers, so that it stays where one of `multiplier` calls is accepted.
/// It remembers the last few dozen calls, however long ago they were, up to ten minutes. So a thousand clients with few
/// calls each do not send a floor each.
///
/// The adaptive throttle of Google's *Site Reliability Engineering* (chapter 21) rejects each call with a probability,
/// computed from the requests of the last two minutes, including those it rejected itself. The resulting rate is the
/// same, but its recovery from an outage takes those two minutes, and longer with each of its own rejections. This
/// throttle does not count its own rejections.
///
/// ```
/// use std::time::{Duration, Instant};
/// use buttress_core::{FailureKind, Outcome, Throttle, ThrottleConfig};
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// let now = Instant::now();
/// let throttle = Throttle::new(ThrottleConfig::default(), now)?;
/// let sent = (0..1_000).filter(|_| {
///     // A random number; this one is in favour of every call.
///     let sent = throttle.admit(now, || 0).is_ok();
///     if sent {
///         throttle.settle(Outcome::Failure(FailureKind::Overload), now);
///     }
///     sent
/// });
/// // The floor of ten seconds at once, and one more at its rate.
/// assert_eq!(sent.count(), 51);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Throttle {
    origin: Origin,
    /// The counts, written when a call begins and when it ends.
    locked: Mutex<Locked>,
}

/// The counts of a throttle in its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ThrottleSnapshot {
    /// Calls that were sent.
    pub sent: u64,
    /// Calls that the dependency accepted.
    pub accepted: u64,
    /// Calls that the dependency did not accept.
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
    /// When the next call may be sent while `holding`, in nanoseconds.
    next_turn: u64,
    /// The logarithm of the probability with which a call is sent below the floor; above 0, all are.
    log_chance: f64,
}

impl Throttle {
    /// Creates a throttle without counts, which rejects nothing.
    ///
    /// # Errors
    ///
    /// Returns the error of [`ThrottleConfig::check`].
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
                log_chance: MOST_LOG_CHANCE,
            }),
        })
    }

    /// Admits a call or rejects it. `random` is uniform over all numbers. An admitted call is counted, and must be
    /// [settled](Self::settle) or [withdrawn](Self::withdraw).
    ///
    /// # Errors
    ///
    /// The time until the next call is admitted, or probably is.
    pub fn admit(&self, now: Instant, random: impl FnOnce() -> u64) -> Result<(), Duration> {
        let mut locked = self.lock(now);
        if locked.log_chance < 0.0 {
            locked.take_chance(random)?;
        }
        if locked.is_holding() {
            locked.take_turn(self.origin.nanos_at(now))?;
        }
        locked.count(|counts| counts.sent += 1);
        Ok(())
    }

    /// Records how a call ended. The dependency accepted a call if it responded to it, also with an error. It did not
    /// accept a call that it rejected, that timed out, or that did not reach it.
    pub fn settle(&self, outcome: Outcome, now: Instant) {
        match outcome {
            Outcome::Success | Outcome::Failure(FailureKind::Error) => {
                self.lock(now).accepted();
            }
            Outcome::Failure(
                FailureKind::Overload | FailureKind::Timeout | FailureKind::Transport,
            ) => self.lock(now).refused(),
            Outcome::Ignored => self.withdraw(now),
        }
    }

    /// Removes a call without a result, because the caller dropped it.
    pub fn withdraw(&self, now: Instant) {
        self.lock(now).withdraw();
    }

    /// Applies a new configuration. The counts of the window are kept unless its length changes.
    ///
    /// # Errors
    ///
    /// Returns the error of [`ThrottleConfig::check`], and changes nothing.
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

    /// Returns the counts of the window.
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
        if passed > 0 {
            let seconds = (number - self.newest) as f64 * bucket(&self.config) as f64 / 1e9;
            self.log_chance = (self.log_chance + seconds * FORGOTTEN).min(MOST_LOG_CHANCE);
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

    fn accepted(&mut self) {
        self.count(|counts| counts.accepted += 1);
        // Where one of `multiplier` calls is accepted, these steps up and the steps down are level.
        let up = STEP * (self.config.multiplier - 1.0);
        self.log_chance = (self.log_chance + up).min(MOST_LOG_CHANCE);
    }

    fn refused(&mut self) {
        self.count(|counts| counts.refused += 1);
        self.log_chance = (self.log_chance - STEP).max(LEAST_LOG_CHANCE);
    }

    /// Removes a call from the newest bucket that counts one. Without such a bucket, the call has already left the
    /// window.
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

    /// Whether the dependency rejects enough calls for the throttle to limit the rate.
    fn is_holding(&mut self) -> bool {
        let Self { config, sum, .. } = self;
        let (sent, accepted) = (sum.sent as f64, sum.accepted as f64);
        // Calls are rejected only above this share of failures: otherwise a burst would be rejected before its first
        // responses arrive.
        let fails = sum.refused as f64 > (config.multiplier - 1.0) / 2.0 * accepted;
        let floor = f64::from(config.floor) * config.window.as_secs_f64();
        let is_over = sent >= floor.max(config.multiplier * accepted);
        self.holding = fails && (self.holding || is_over);
        self.holding
    }

    /// Admits a call by chance, if the target rate is below the floor.
    #[cold]
    fn take_chance(&self, random: impl FnOnce() -> u64) -> Result<(), Duration> {
        let Self { config, sum, .. } = self;
        let floor = f64::from(config.floor);
        let target = config.multiplier * sum.accepted as f64 / config.window.as_secs_f64();
        // A random number also decides for which calls a mode enforces, and when to come back. Those numbers are made
        // independent of this one by a multiplication, with a constant of SplitMix64.
        let random = random().rotate_left(32).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let draw = (random >> 11) as f64 / (1_u64 << 53) as f64;
        if target >= floor || draw < self.log_chance.exp() {
            return Ok(());
        }
        Err(Duration::from_secs_f64(1.0 / floor))
    }

    /// Admits a call at the target rate, spread evenly, because the dependency would reject the calls of a whole window
    /// sent at once.
    fn take_turn(&mut self, at: u64) -> Result<(), Duration> {
        let Self { config, sum, .. } = self;
        let accepted = sum.accepted as f64 / config.window.as_secs_f64();
        let a_second = f64::from(config.floor).max(config.multiplier * accepted);
        // After a pause, calls catch up on at most one bucket.
        let turn = self.next_turn.max(at.saturating_sub(bucket(config)));
        if turn > at {
            return Err(Duration::from_nanos(turn - at));
        }
        self.next_turn = turn + (1e9 / a_second) as u64;
        Ok(())
    }
}

/// The length of a bucket in nanoseconds.
fn bucket(config: &ThrottleConfig) -> u64 {
    nanos(config.window) / BUCKETS as u64
}

const BUCKETS: usize = 20;

/// What one call changes in the logarithm of the probability, for a multiplier of 2.
const STEP: f64 = 0.2;

/// Twenty-five steps above 0: so many more calls than half must fail until the first is rejected. At a third of failures
/// that happens by chance once in 2²⁵ calls. The tables "throttle: fleets" and "throttle: few calls that fail" in
/// `tests/simulations` chose it and the step.
const MOST_LOG_CHANCE: f64 = 25.0 * STEP;

/// The logarithm of a tenth: the share of calls that is always sent. With more of them a fleet in an outage would send more
/// than the dependency can serve, with fewer the end of an outage is detected later: the table "throttle: few calls and
/// an outage".
const LEAST_LOG_CHANCE: f64 = -std::f64::consts::LN_10;

/// What each second adds to the logarithm: all is forgotten within some ten minutes.
const FORGOTTEN: f64 = MOST_LOG_CHANCE / 600.0;
