//! Limits on the number of calls in flight, fixed or adaptive.
//!
//! By Little's law (1961), calls in flight = throughput × round trip time. Below the knee of a service, more calls in
//! flight raise its throughput at the same round trip time; above the knee they raise only the round trip time. An
//! adaptive limit estimates the knee from measurements alone.
//!
//! | rule | detects a queue by | drawback |
//! |---|---|---|
//! | [`LimitConfig::guarded`], the default | the effect of a slightly lower limit on throughput and round trip time | gives up a little capacity to measure |
//! | [`LimitConfig::gradient`] | the recent mean round trip time against the long-term one | drifts upwards as the long-term mean follows |
//! | [`LimitConfig::vegas`] | the mean round trip time against the lowest | takes a slower mix of calls for a queue |
//! | [`LimitConfig::aimd`] | calls that were rejected, or took longer than a timeout | finds the knee only by exceeding it |
//! | [`LimitConfig::fixed`] | nothing | does not follow a change of the service |

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

/// A limit on calls in flight, computed from the calls that ended.
///
/// The limit does not count calls in flight: its owner reads [`limit`](Self::limit) and records how each call
/// [ended](Self::on_sample). Samples are summed per processor. When a window of samples is full, one thread updates the
/// limit; the other threads do not wait for it.
///
/// # Samples
///
/// Where all calls would fill a window in less than 10 ms, only one call in N is [sampled](Self::wants), with N at most
/// 128.
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
    /// The state of the rule. `hot` is written under this lock only.
    locked: Mutex<Locked>,
}

/// Read by every call, written only when the limit is updated.
#[derive(Debug)]
#[repr(align(128))]
struct Hot {
    limit: AtomicU64,
    /// The number of samples in a window.
    window: AtomicU64,
    /// The N of one sampled call in N.
    every: AtomicU64,
    /// Samples with at least this many calls in flight are also recorded individually.
    looks_from: AtomicU64,
}

#[derive(Debug)]
struct Locked {
    config: LimitConfig,
    rule: Rule,
    /// The start of the window, in nanoseconds.
    since: u64,
}

/// The result of a window of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The number of calls that may be in flight from now on.
    pub limit: u64,
    /// The mean round trip time of calls that were answered, or `None` if none were. Calls that were given up on are
    /// left out: their time is only a lower bound.
    pub rtt: Option<Duration>,
    /// The mean time between the ends of two calls while the limit is fully used. If fewer calls were in flight than
    /// the limit allows, this is shorter than the time measured.
    pub each: Duration,
}

/// A snapshot of a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitSnapshot {
    /// The number of calls that may be in flight now.
    pub limit: u64,
    /// The target limit: not rounded, and without the temporary reductions by which the adaptive rule measures.
    pub aim: f64,
    /// Whether the adaptive rule takes large steps: after its start, or after an unexpected change of the round trip
    /// time.
    pub searching: bool,
}

impl Limit {
    /// Creates a limit at its initial value.
    ///
    /// # Errors
    ///
    /// Returns the error of [`LimitConfig::check`].
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

    /// The limit's part of a stripe, for handles that [share](crate::Striped) a limit.
    pub fn stripe(&self, stripe: StripeIndex) -> Stripe {
        self.samples.stripe(stripe)
    }

    /// Records a call that was [sampled](Self::wants). Returns the result if this ended a window or moved the limit.
    /// `now` is evaluated only if the limit may be updated.
    #[inline]
    pub fn on_sample(&self, now: impl FnOnce() -> Instant, sample: Sample) -> Option<Step> {
        let looks_from = self.hot.looks_from.load(Ordering::Relaxed);
        if self.samples.add(sample) || sample.in_flight >= looks_from {
            self.step(now(), sample)
        } else {
            None
        }
    }

    /// Records that a call was rejected because no slot was free.
    #[cold]
    pub fn on_refused(&self) {
        self.samples.refuse();
    }

    /// Applies a new configuration. The current limit is kept, within the new bounds, and slow start does not begin
    /// again. A fixed limit takes its new value.
    ///
    /// # Errors
    ///
    /// Returns the error of [`LimitConfig::check`], and changes nothing.
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

    /// Applies a new configuration and starts again at its initial value, like a new limit.
    ///
    /// # Errors
    ///
    /// Returns the error of [`LimitConfig::check`], and changes nothing.
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
        // If the lock is taken, another thread is updating the limit.
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
        // By Little's law, at the full limit.
        let in_full = window.rtt / limit as f64;
        Some(Step {
            limit,
            rtt: window.answered.map(Duration::from_secs_f64),
            each: Duration::from_secs_f64(in_full.min(1.0 / window.throughput)),
        })
    }

    /// Sets the sampling rate to one call in `every`.
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
            // At a low sampling rate, each sample may be the last of a window, so each is checked.
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
    /// The result of a single call that moved the limit. It has no mean, because one call says little about the others.
    fn of(limit: u64, rtt: Duration) -> Self {
        Self {
            limit,
            rtt: None,
            each: rtt.div_f64(limit as f64),
        }
    }
}

/// Above any number of calls in flight: no call is recorded individually.
const NEVER: u64 = u64::MAX;
