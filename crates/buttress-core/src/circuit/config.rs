use std::time::Duration;

use super::open_duration::OpenDuration;
use crate::time::nanos;
use crate::window::Window;
use crate::{ConfigError, Mode, Ratio};

/// When a circuit trips, how long it stays open, and how it recovers.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`window`](Self::window) | the last 60 s | over which calls the ratios are taken |
/// | [`minimum_calls`](Self::minimum_calls) | 20 | below this many calls, a ratio is not used |
/// | [`failure_ratio`](Self::failure_ratio) | 50 % | trips when the share of failures is above this, with confidence |
/// | [`consecutive_failures`](Self::consecutive_failures) | 8 | trips at this many failures in a row, if the calls before them did not fail as well |
/// | [`slow_calls`](Self::slow_calls) | off | trips at a share of calls that took longer than a threshold |
/// | [`open_for`](Self::open_for) | 5 % of the outage so far, from 250 ms to 5 s, less up to 20 % | how long it stays open |
/// | [`retry_after_cap`](Self::retry_after_cap) | 60 s | how far a `Retry-After` can lengthen that |
/// | [`probes`](Self::probes) | 3 | how many calls are admitted half-open |
/// | [`probe_failure_ratio`](Self::probe_failure_ratio) | 50 % | reopens at this share of failures among them |
/// | [`probe_timeout`](Self::probe_timeout) | 10 s | a probe that has not ended by then gives its slot to another |
/// | [`half_open_timeout`](Self::half_open_timeout) | 60 s | then the decision is made with the probes that have ended |
/// | [`ramp`](Self::ramp) | off | admits a growing share of calls before it closes |
/// | [`attempt_timeout`](Self::attempt_timeout) | unknown | how long a timeout of another library gives an attempt |
/// | [`mode`](Self::mode) | [`Mode::Enforce`] | whether its rejections are enforced |
///
/// The setters check nothing; [`Circuit::new`](super::Circuit::new) [checks](Self::check) the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakerConfig {
    pub(super) window: Window,
    pub(super) minimum_calls: u32,
    pub(super) failure_ratio: Option<Ratio>,
    pub(super) consecutive_failures: Option<u32>,
    pub(super) slow_calls: Option<SlowCalls>,
    pub(super) open_for: OpenDuration,
    pub(super) retry_after_cap: Option<Duration>,
    pub(super) probes: u32,
    pub(super) probe_failure_ratio: Ratio,
    pub(super) probe_timeout: Duration,
    pub(super) half_open_timeout: Duration,
    pub(super) ramp: Option<Ramp>,
    pub(super) attempt_timeout: Option<Duration>,
    pub(super) mode: Mode,
}

/// The slow-call rule: which calls are slow, and the ratio that trips.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SlowCalls {
    pub(super) threshold: Duration,
    pub(super) ratio: Ratio,
}

/// Graded recovery: the ratio of calls that is admitted grows linearly from `from` to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ramp {
    pub(super) over: Duration,
    pub(super) from: Ratio,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            window: Window::Time(Duration::from_secs(60)),
            minimum_calls: 20,
            failure_ratio: Some(Ratio::HALF),
            consecutive_failures: Some(8),
            slow_calls: None,
            open_for: OpenDuration::default(),
            retry_after_cap: Some(Duration::from_secs(60)),
            probes: 3,
            probe_failure_ratio: Ratio::HALF,
            probe_timeout: Duration::from_secs(10),
            half_open_timeout: Duration::from_secs(60),
            ramp: None,
            attempt_timeout: None,
            mode: Mode::Enforce,
        }
    }
}

impl BreakerConfig {
    /// The most probes: their leases are kept in a list.
    pub const MAX_PROBES: u32 = 1_000;
    /// The longest of any of the durations.
    pub const MAX_TIME: Duration = Duration::from_secs(24 * 60 * 60);

    /// Takes the failure and slow-call ratios over a number of last calls, or over the calls of a time span.
    ///
    /// A count window has one ratio, that of all its calls. In a time window each of the sixteen stretches that reach
    /// from now to the start of a bucket has one, so a long window does not delay the detection, and its ratio must
    /// exceed the configured one by enough calls not to be chance.
    #[must_use]
    pub fn window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// The number of calls that the window must hold before a ratio is used, 20 by default.
    #[must_use]
    pub fn minimum_calls(mut self, calls: u32) -> Self {
        self.minimum_calls = calls;
        self
    }

    /// Trips when more than this share of the calls failed; `None` turns the rule off.
    ///
    /// In a count window, this share of its calls is enough. In a time window, a dependency that fails 20 percentage
    /// points less often than this trips less than once a day: the failures must exceed `ratio × calls` by
    /// `32 × ratio × (1 - ratio)`, which is 8 for 50 %.
    #[must_use]
    pub fn failure_ratio(mut self, ratio: impl Into<Option<Ratio>>) -> Self {
        self.failure_ratio = ratio.into();
        self
    }

    /// Trips at this many failures in a row; `None` turns the rule off. A success resets the count. Overload counts in
    /// the ratio only: a dependency that sheds load is alive.
    ///
    /// If calls before the row failed as well, the row must be longer, so that it is not chance: up to 17 for a
    /// dependency that fails 30 % of its calls.
    #[must_use]
    pub fn consecutive_failures(mut self, failures: impl Into<Option<u32>>) -> Self {
        self.consecutive_failures = failures.into();
        self
    }

    /// Trips when at least `ratio` of the calls in the window took longer than `threshold`, whether they
    /// succeeded or not. A probe that is slow counts as failed.
    #[must_use]
    pub fn slow_calls(mut self, threshold: Duration, ratio: Ratio) -> Self {
        self.slow_calls = Some(SlowCalls { threshold, ratio });
        self
    }

    /// How long the circuit stays open before it admits probes.
    #[must_use]
    pub fn open_for(mut self, open_for: OpenDuration) -> Self {
        self.open_for = open_for;
        self
    }

    /// Stays open for as long as the response that tripped it requested, up to this cap, where that is longer than
    /// [`open_for`](Self::open_for). `None` ignores what responses request.
    #[must_use]
    pub fn retry_after_cap(mut self, cap: impl Into<Option<Duration>>) -> Self {
        self.retry_after_cap = cap.into();
        self
    }

    /// The number of probes that are admitted when half-open, and decide whether it closes.
    #[must_use]
    pub fn probes(mut self, probes: u32) -> Self {
        self.probes = probes;
        self
    }

    /// Opens again when at least this share of the probes failed.
    #[must_use]
    pub fn probe_failure_ratio(mut self, ratio: Ratio) -> Self {
        self.probe_failure_ratio = ratio;
        self
    }

    /// Gives the slot of a probe that has not ended within this time to another call. The result of the late probe is
    /// ignored.
    #[must_use]
    pub fn probe_timeout(mut self, lease: Duration) -> Self {
        self.probe_timeout = lease;
        self
    }

    /// The longest time half-open, from the first probe. Then the decision is taken over the probes that ended; if none
    /// did, the circuit opens again.
    #[must_use]
    pub fn half_open_timeout(mut self, stay: Duration) -> Self {
        self.half_open_timeout = stay;
        self
    }

    /// After the probes succeeded, admits a ratio of calls that grows linearly from `from` to 1 over `over`, and only
    /// then closes. The trip rules hold meanwhile.
    #[must_use]
    pub fn ramp(mut self, over: Duration, from: Ratio) -> Self {
        self.ramp = Some(Ramp { over, from });
        self
    }

    /// The timeout of an attempt up to the head of its response, where a timeout layer of another library is
    /// outside the breaker. Such a layer drops a call without a reason.
    ///
    /// A call that is dropped after at least this time, before the head of its response came, counts as a timeout; a
    /// timeout that came sooner is ignored.
    ///
    /// With `None`, the default, the deadlines and attempt timeouts of this workspace tell the breaker why they end a
    /// call: it counts as a timeout, unless they allowed less than the typical latency of answered calls (100 ms until
    /// a call has been answered). A drop for any other reason is neutral. A reported timeout counts, unless the
    /// deadline of the task allowed less than that.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.attempt_timeout = timeout.into();
        self
    }

    /// Whether the circuit's rejections are enforced.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Rejects invalid values: the first field that is out of range, with its value and bound.
    ///
    /// # Errors
    ///
    /// A window outside of its [bounds](Window::check); `minimum_calls` of 0, or more than a count window holds; a
    /// ratio of 0; `consecutive_failures` of 0; `probes` of 0 or above [`MAX_PROBES`](Self::MAX_PROBES); a duration of
    /// 0 or above [`MAX_TIME`](Self::MAX_TIME); an open time whose `initial` is above its maximum.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.window.check("window")?;
        at_least_one("minimum_calls", self.minimum_calls)?;
        if let Window::Count(size) = self.window
            && self.minimum_calls > size
        {
            let bound = format!("at most {size}, the window's size");
            return Err(ConfigError::new("minimum_calls", self.minimum_calls, bound));
        }
        if let Some(ratio) = self.failure_ratio {
            above_zero("failure_ratio", ratio)?;
        }
        if let Some(failures) = self.consecutive_failures {
            at_least_one("consecutive_failures", failures)?;
        }
        if let Some(slow) = self.slow_calls {
            bounded("slow_calls.threshold", slow.threshold)?;
            above_zero("slow_calls.ratio", slow.ratio)?;
        }
        self.open_for.check()?;
        if let Some(cap) = self.retry_after_cap {
            bounded("retry_after_cap", cap)?;
        }
        if !(1..=Self::MAX_PROBES).contains(&self.probes) {
            let bound = format!("from 1 to {}", Self::MAX_PROBES);
            return Err(ConfigError::new("probes", self.probes, bound));
        }
        above_zero("probe_failure_ratio", self.probe_failure_ratio)?;
        bounded("probe_timeout", self.probe_timeout)?;
        bounded("half_open_timeout", self.half_open_timeout)?;
        if let Some(ramp) = self.ramp {
            bounded("ramp.over", ramp.over)?;
            above_zero("ramp.from", ramp.from)?;
        }
        if let Some(timeout) = self.attempt_timeout {
            bounded("attempt_timeout", timeout)?;
        }
        Ok(())
    }

    /// Above how many nanoseconds a call is slow.
    pub(super) fn slow_above(&self) -> u64 {
        self.slow_calls
            .map_or(u64::MAX, |slow| nanos(slow.threshold))
    }
}

/// Rejects a duration of zero, or of more than a day.
pub(super) fn bounded(field: &'static str, value: Duration) -> Result<(), ConfigError> {
    if value.is_zero() || value > BreakerConfig::MAX_TIME {
        let bound = format!("above 0s and at most {:?}", BreakerConfig::MAX_TIME);
        return Err(ConfigError::new(field, format_args!("{value:?}"), bound));
    }
    Ok(())
}

fn above_zero(field: &'static str, ratio: Ratio) -> Result<(), ConfigError> {
    if ratio == Ratio::ZERO {
        return Err(ConfigError::new(field, ratio, "above 0% and at most 100%"));
    }
    Ok(())
}

fn at_least_one(field: &'static str, value: u32) -> Result<(), ConfigError> {
    if value == 0 {
        return Err(ConfigError::new(field, value, "at least 1"));
    }
    Ok(())
}
