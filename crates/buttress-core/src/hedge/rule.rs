use std::time::Duration;

use crate::{ConfigError, LatencyQuantiles, Ratio};

/// How much extra load hedging may be, and so when a call is made a second time while the first still runs.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`extra`](Self::extra) | 5 % | second attempts, as a share of the calls |
/// | [`min_delay`](Self::min_delay) | 1 ms | no call is hedged sooner |
/// | [`max_delay`](Self::max_delay) | none | every call that takes this long is hedged, if the budget allows |
/// | [`minimum_calls`](Self::minimum_calls) | 100 | no call is hedged before the window holds this many |
/// | [`window`](Self::window) | 30 s | over which calls the delay is taken |
///
/// The setters check nothing; [`HedgeDelay::new`](super::HedgeDelay::new) [checks](Self::check) the configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HedgeRule {
    pub(super) extra: Ratio,
    pub(super) min_delay: Duration,
    pub(super) max_delay: Option<Duration>,
    pub(super) minimum_calls: u32,
    pub(super) window: Duration,
}

impl Default for HedgeRule {
    fn default() -> Self {
        Self {
            extra: Ratio::percent(5),
            min_delay: Duration::from_millis(1),
            max_delay: None,
            minimum_calls: 100,
            window: Duration::from_secs(30),
        }
    }
}

impl HedgeRule {
    /// The longest of either delay.
    pub const MAX_DELAY: Duration = Duration::from_secs(10 * 60);

    /// How many second attempts may be made, as a share of the calls. The delay follows from it: the time that
    /// all calls but this share took at most.
    #[must_use]
    pub fn extra(mut self, extra: Ratio) -> Self {
        self.extra = extra;
        self
    }

    /// No call is hedged sooner, however short calls are: a second attempt that soon has no benefit.
    #[must_use]
    pub fn min_delay(mut self, delay: Duration) -> Self {
        self.min_delay = delay;
        self
    }

    /// Calls that take this long are hedged even if more of them do than [`extra`](Self::extra) allows; the share still
    /// holds, but then the first calls are hedged, and not the slowest.
    #[must_use]
    pub fn max_delay(mut self, delay: impl Into<Option<Duration>>) -> Self {
        self.max_delay = delay.into();
        self
    }

    /// The number of calls that the window must hold before a quantile is used, 100 by default.
    #[must_use]
    pub fn minimum_calls(mut self, calls: u32) -> Self {
        self.minimum_calls = calls;
        self
    }

    /// The time span of the calls that the delay is computed from.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// No minimum of calls; a `max_delay` above [`MAX_DELAY`](Self::MAX_DELAY); a `min_delay` above that or
    /// above the most; a window outside of those of [`LatencyQuantiles`].
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.minimum_calls == 0 {
            return Err(ConfigError::new("hedge.minimum_calls", 0, "at least 1"));
        }
        if let Some(most) = self.max_delay.filter(|most| *most > Self::MAX_DELAY) {
            let bound = format!("at most {:?}", Self::MAX_DELAY);
            return Err(ConfigError::new(
                "hedge.max_delay",
                format_args!("{most:?}"),
                bound,
            ));
        }
        let most = self.max_delay.unwrap_or(Self::MAX_DELAY);
        if self.min_delay > most {
            let value = format_args!("{:?}", self.min_delay);
            let bound = format!("at most {most:?}");
            return Err(ConfigError::new("hedge.min_delay", value, bound));
        }
        LatencyQuantiles::check(self.window).map_err(|error| error.of("hedge.window"))
    }
}
