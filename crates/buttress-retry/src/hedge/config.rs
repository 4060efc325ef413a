use std::time::Duration;

use buttress_core::hedge::HedgeRule;
use buttress_core::{ConfigError, Mode, Ratio};

/// The configuration of a [`Hedge`](crate::Hedge).
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`extra`](Self::extra) | 5 % | the maximum ratio of second attempts to calls |
/// | [`min_delay`](Self::min_delay) | 1 ms | the minimum delay before a second attempt |
/// | [`max_delay`](Self::max_delay) | none | the delay after which every call is hedged, if the budget allows |
/// | [`minimum_calls`](Self::minimum_calls) | 100 | the number of calls in the window before calls are hedged |
/// | [`window`](Self::window) | 30 s | the window that the delay is computed from |
/// | [`replay_limit`](Self::replay_limit) | 64 KiB | the maximum length of a request body that is kept |
/// | [`mode`](Self::mode) | [`Mode::Enforce`] | whether calls are hedged, or hedges only counted |
#[derive(Debug, Clone, PartialEq)]
pub struct HedgeConfig {
    pub(super) rule: HedgeRule,
    pub(super) replay_limit: usize,
    pub(super) mode: Mode,
}

impl Default for HedgeConfig {
    fn default() -> Self {
        Self {
            rule: HedgeRule::default(),
            replay_limit: 64 * 1024,
            mode: Mode::default(),
        }
    }
}

impl HedgeConfig {
    /// Sets the maximum ratio of second attempts to calls. It determines the delay: the latency that this ratio of
    /// calls exceeds. The default is 5 %.
    #[must_use]
    pub fn extra(mut self, extra: Ratio) -> Self {
        self.rule = self.rule.extra(extra);
        self
    }

    /// Sets the minimum delay before a second attempt. The default is 1 ms.
    #[must_use]
    pub fn min_delay(mut self, delay: Duration) -> Self {
        self.rule = self.rule.min_delay(delay);
        self
    }

    /// Sets the delay after which a call is hedged even if more calls than [`extra`](Self::extra) are that slow; the
    /// ratio still applies. There is none by default.
    #[must_use]
    pub fn max_delay(mut self, delay: impl Into<Option<Duration>>) -> Self {
        self.rule = self.rule.max_delay(delay);
        self
    }

    /// Sets how many calls the window must contain before calls are hedged. The default is 100.
    #[must_use]
    pub fn minimum_calls(mut self, calls: u32) -> Self {
        self.rule = self.rule.minimum_calls(calls);
        self
    }

    /// Sets the window of the calls that the delay is computed from. The default is 30 s.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.rule = self.rule.window(window);
        self
    }

    /// Sets the maximum length of a request body that is kept for a second attempt, in bytes. A request with a longer
    /// body is not hedged, nor is one whose body has not been read to its end, because two attempts cannot read it
    /// concurrently. The default is 64 KiB.
    #[must_use]
    pub fn replay_limit(mut self, bytes: usize) -> Self {
        self.replay_limit = bytes;
        self
    }

    /// Sets whether calls are hedged. In shadow, hedges are decided, counted and paid for, but not made.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// If [`HedgeRule::check`] rejects the configuration.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.rule.check()
    }
}
