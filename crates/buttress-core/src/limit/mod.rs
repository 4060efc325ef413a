//! Limits on calls in flight, fixed or adaptive.
//!
//! Little's law (1961) ties the three things that can be seen: in flight = throughput × round trip. Below its
//! knee a service answers more calls the more it is given, and no later; above it, no more calls and each later.
//! An adaptive limit looks for that knee from outside.
//!
//! | rule | sees a queue by | known to |
//! |---|---|---|
//! | [`LimitConfig::guarded`], the default | what a slightly lower limit does to throughput and round trip | give up a little capacity to look |
//! | [`LimitConfig::gradient`] | the recent mean against the long one | drift upwards when the long one follows |
//! | [`LimitConfig::vegas`] | the mean against the lowest | take a slower mix of calls for a queue |
//! | [`LimitConfig::aimd`] | calls that were rejected, or took longer than a timeout | find the knee only by passing it |
//! | [`LimitConfig::fixed`] | nothing | be wrong after the next release |

mod adaptive;
mod aimd;
mod config;
mod gradient;
mod opening;
mod pace;
mod regression;
mod relief;
mod rtt_tracker;
mod rule;
mod sample;
mod sampling;
mod search;
mod steps;
mod unloaded_baseline;
mod vegas;
mod window;

use std::time::{Duration, Instant};

pub use config::LimitConfig;
use sample::Ended;
pub use sample::Sample;
pub use window::Stripe;

use self::rule::Rule;
use self::window::Samples;
use crate::sync::{AtomicU64, Mutex, Ordering, lock};
use crate::time::Origin;
use crate::{ConfigError, StripeIndex};

/// A limit on calls in flight, learnt from the calls that ended.
///
/// It does not count calls in flight itself: its owner reads the [`limit`](Self::limit) and records how each call
/// [went](Self::on_sample). A sample adds to sums that each processor has its own of; once a window of them is full,
/// one thread takes the step and the others go on.
///
/// # Samples
///
/// At high rates, where a window of all calls would be full in less than 10 ms, it [samples](Self::wants) one call in
/// N, at least one in 128.
///
/// ```
/// use std::time::{Duration, Instant};
/// use buttress_core::limit::{Limit, LimitConfig, Sample};
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// let now = Instant::now();
/// let limit = Limit::new(LimitConfig::default().initial(20), now)?;
/// assert_eq!(limit.limit(), 20);
/// limit.on_sample(|| now, Sample::success(Duration::from_millis(30), 7));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Limit {
    origin: Origin,
    hot: Hot,
    samples: Samples,
    /// What moves the limit. `hot` changes under this lock only.
    locked: Mutex<Locked>,
}

/// What every call reads and only a step writes.
#[derive(Debug)]
#[repr(align(128))]
struct Hot {
    limit: AtomicU64,
    /// How many samples make a window.
    window: AtomicU64,
    /// One of how many calls is a sample.
    every: AtomicU64,
    /// A sample that began with at least this many in flight is recorded individually.
    looks_from: AtomicU64,
}

#[derive(Debug)]
struct Locked {
    config: LimitConfig,
    rule: Rule,
    /// When the window began, in nanoseconds.
    since: u64,
}

/// What a window of samples taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The number of calls that may be in flight from now on.
    pub limit: u64,
    /// How long calls took on average that were answered, if any were. What was given up on says only that it would
    /// have taken longer.
    pub rtt: Option<Duration>,
    /// The mean time until the next call ends with the limit in use. Where fewer calls were in flight, that is sooner
    /// than the next one ended.
    pub each: Duration,
}

/// A snapshot of a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitSnapshot {
    /// The number of calls that may be in flight now.
    pub limit: u64,
    /// The limit before it was rounded, and without the dips in which the guarded rule looks around.
    pub aim: f64,
    /// Whether the guarded rule takes large steps, because it has just begun or was surprised.
    pub searching: bool,
}

impl Limit {
    /// A limit at its initial value.
    ///
    /// # Errors
    ///
    /// What [`LimitConfig::check`] rejects.
    pub fn new(config: LimitConfig, now: Instant) -> Result<Self, ConfigError> {
        config.check()?;
        let rule = Rule::opening(&config);
        Ok(Self {
            origin: Origin::new(now),
            hot: Hot {
                limit: AtomicU64::new(config.initial.into()),
                window: AtomicU64::new(rule.window(config.initial.into())),
                every: AtomicU64::new(1),
                looks_from: AtomicU64::new(rule.looks_from().unwrap_or(NEVER)),
            },
            samples: Samples::default(),
            locked: Mutex::new(Locked {
                config,
                rule,
                since: 0,
            }),
        })
    }

    /// The number of calls that may be in flight.
    #[inline]
    pub fn limit(&self) -> u64 {
        self.hot.limit.load(Ordering::Relaxed)
    }

    /// Whether to sample this call. At high rates only [one in N](Self#samples) is sampled; the others need not be
    /// reported.
    #[inline]
    pub fn wants(&self, stripe: &Stripe) -> bool {
        !stripe.passes() && self.choose(stripe)
    }

    #[inline(never)]
    fn choose(&self, stripe: &Stripe) -> bool {
        stripe.choose(self.every());
        true
    }

    /// The part of a stripe, for handles that [share](crate::Striped) a limit.
    pub fn stripe(&self, stripe: StripeIndex) -> Stripe {
        self.samples.stripe(stripe)
    }

    /// Records a call that was [sampled](Self::wants). Returns what was learnt if this ended a window or moved the
    /// limit. The time is evaluated only where that may be.
    #[inline]
    pub fn on_sample(&self, now: impl FnOnce() -> Instant, sample: Sample) -> Option<Step> {
        let looks_from = self.hot.looks_from.load(Ordering::Relaxed);
        if self.samples.add(sample) || sample.in_flight >= looks_from {
            self.step(now(), sample)
        } else {
            None
        }
    }

    /// Records that a call was rejected for want of a slot.
    #[cold]
    pub fn on_refused(&self) {
        self.samples.refuse();
    }

    /// Takes a new configuration. The limit stays where it is, within its new bounds, and is what is known of the
    /// service: it is not opened any more.
    ///
    /// # Errors
    ///
    /// What [`LimitConfig::check`] rejects; then nothing changes.
    pub fn reconfigure(&self, config: LimitConfig, now: Instant) -> Result<(), ConfigError> {
        let known = |rule: &Rule, config: &LimitConfig| {
            let aim = if config.is_fixed() {
                f64::from(config.initial)
            } else {
                rule.aim()
            };
            Rule::new(config, config.clamp(aim))
        };
        self.take(config, now, known)
    }

    /// Takes a new configuration, and begins where that begins, as a new limit: what the limit was is nothing to go by.
    ///
    /// # Errors
    ///
    /// What [`LimitConfig::check`] rejects; then nothing changes.
    pub fn restart(&self, config: LimitConfig, now: Instant) -> Result<(), ConfigError> {
        self.take(config, now, |_, config| Rule::opening(config))
    }

    fn take(
        &self,
        config: LimitConfig,
        now: Instant,
        begin: impl FnOnce(&Rule, &LimitConfig) -> Rule,
    ) -> Result<(), ConfigError> {
        config.check()?;
        let mut locked = lock(&self.locked);
        locked.rule = begin(&locked.rule, &config);
        locked.config = config;
        locked.since = self.origin.nanos_at(now);
        self.samples.take();
        self.publish(&locked);
        Ok(())
    }

    /// A snapshot. Reading it changes no state.
    pub fn snapshot(&self) -> LimitSnapshot {
        let locked = lock(&self.locked);
        LimitSnapshot {
            limit: self.limit(),
            aim: locked.rule.aim(),
            searching: locked.rule.is_searching(),
        }
    }

    #[cold]
    fn step(&self, now: Instant, sample: Sample) -> Option<Step> {
        // A thread that does not get the lock has nothing to add: another thread takes the step.
        let mut locked = self.locked.try_lock().ok()?;
        let (at, every) = (self.origin.nanos_at(now), self.every());
        let lasted = at.saturating_sub(locked.since);
        let Locked { config, rule, .. } = &mut *locked;
        let call = Ended {
            sample,
            at,
            every,
            refused: self.samples.has_refused(),
        };
        let has_moved = rule.on_sample(&call, config);
        if self.samples.count() < self.hot.window.load(Ordering::Relaxed) {
            if sampling::is_overdue(every, lasted) {
                self.thin(1);
                self.samples.take();
                locked.since = at;
                self.publish(&locked);
            }
            return has_moved.then(|| Step::of(self.publish(&locked), sample.rtt));
        }
        let window = self.samples.take().over(lasted, every);
        self.thin(sampling::next(every, lasted));
        locked.since = at;
        let Locked { config, rule, .. } = &mut *locked;
        rule.on_window(&window, config);
        let limit = self.publish(&locked);
        // By Little's law.
        let in_full = window.rtt / limit as f64;
        Some(Step {
            limit,
            rtt: window.answered.map(Duration::from_secs_f64),
            each: Duration::from_secs_f64(in_full.min(1.0 / window.throughput)),
        })
    }

    /// One in N calls is to be a sample.
    fn thin(&self, every: u64) {
        let before = self.hot.every.swap(every, Ordering::Relaxed);
        if every == 1 && before > 1 {
            self.samples.choose_all();
        }
    }

    #[inline]
    fn every(&self) -> u64 {
        self.hot.every.load(Ordering::Relaxed)
    }

    fn publish(&self, locked: &Locked) -> u64 {
        let limit = locked.config.clamp(locked.rule.now()).round() as u64;
        self.hot.limit.store(limit, Ordering::Relaxed);
        let looks_from = match self.every() {
            1 => locked.rule.looks_from().unwrap_or(NEVER),
            // Where samples are few, each may be the last of a window.
            _ => 0,
        };
        self.hot.looks_from.store(looks_from, Ordering::Relaxed);
        self.hot
            .window
            .store(locked.rule.window(limit), Ordering::Relaxed);
        limit
    }
}

impl Step {
    /// A limit that one call moved. What it took says little about how long others take.
    fn of(limit: u64, rtt: Duration) -> Self {
        Self {
            limit,
            rtt: None,
            each: rtt.div_f64(limit as f64),
        }
    }
}

/// More than any number of calls in flight.
const NEVER: u64 = u64::MAX;
