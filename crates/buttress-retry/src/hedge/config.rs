use std::time::Duration;

use buttress_core::hedge::HedgeRule;
use buttress_core::{ConfigError, Mode, Ratio};

/// When slow calls are made a second time.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`extra`](Self::extra) | 5 % | second attempts, as a share of the calls |
/// | [`min_delay`](Self::min_delay) | 1 ms | no call is hedged sooner |
/// | [`max_delay`](Self::max_delay) | none | every call that takes this long is hedged, if the budget allows |
/// | [`minimum_calls`](Self::minimum_calls) | 100 | no call is hedged before the window holds this many |
/// | [`window`](Self::window) | 30 s | over which calls the delay is taken |
/// | [`replay_limit`](Self::replay_limit) | 64 KiB | how much of a request's body is kept |
/// | [`mode`](Self::mode) | [`Mode::Enforce`] | whether calls are hedged, or only counted |
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
    /// How many second attempts may be made, as a share of the calls. The delay before one follows from it: the
    /// time that all calls but this share took at most.
    #[must_use]
    pub fn extra(mut self, extra: Ratio) -> Self {
        self.rule = self.rule.extra(extra);
        self
    }

    /// No call is hedged sooner, however short calls are.
    #[must_use]
    pub fn min_delay(mut self, delay: Duration) -> Self {
        self.rule = self.rule.min_delay(delay);
        self
    }

    /// Calls that take this long are hedged even if more of them do than [`extra`](Self::extra) allows; the share still
    /// holds.
    #[must_use]
    pub fn max_delay(mut self, delay: impl Into<Option<Duration>>) -> Self {
        self.rule = self.rule.max_delay(delay);
        self
    }

    /// How many calls the window must hold for its quantile to mean something.
    #[must_use]
    pub fn minimum_calls(mut self, calls: u32) -> Self {
        self.rule = self.rule.minimum_calls(calls);
        self
    }

    /// The time span of the calls that the delay is computed from.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.rule = self.rule.window(window);
        self
    }

    /// The maximum length of a request body that is kept for a second attempt, in bytes. A request with a longer body
    /// is not hedged, nor is one whose body has not been read to its end: two attempts cannot read it at once.
    #[must_use]
    pub fn replay_limit(mut self, bytes: usize) -> Self {
        self.replay_limit = bytes;
        self
    }

    /// Whether calls are hedged. In shadow it is decided, counted and paid for, and not done.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// What [`HedgeRule::check`] rejects.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.rule.check()
    }
}
