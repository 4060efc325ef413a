use std::time::Duration;

use crate::ConfigError;
use crate::time::nanos;

/// How long to wait before each retry.
///
/// The three jitters are those of Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
/// With `v = min(cap, base · 2ⁿ)` after `n` retries and `U(a, b)` uniform:
///
/// | jitter | wait |
/// |---|---|
/// | [`Full`](Jitter::Full) | `U(0, v)` |
/// | [`Equal`](Jitter::Equal) | `v/2 + U(0, v/2)` |
/// | [`Decorrelated`](Jitter::Decorrelated) | `min(cap, U(base, 3 · the wait before))` |
/// | [`None`](Jitter::None) | `v` |
///
/// The cap holds after the jitter, and no number of retries overflows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    jitter: Jitter,
}

/// How a wait is randomised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jitter {
    /// Somewhere between the base and three times the wait before.
    Decorrelated,
    /// At least half of it.
    Equal,
    /// Any time from zero to the delay. Spreads simultaneous retries best.
    Full,
    /// No jitter: simultaneous retries stay simultaneous. For tests.
    None,
}

impl Default for Backoff {
    /// Full jitter from 50 ms, capped at 5 s.
    fn default() -> Self {
        Self {
            base: Duration::from_millis(50),
            cap: Duration::from_secs(5),
            jitter: Jitter::Full,
        }
    }
}

impl Backoff {
    /// The longest cap.
    pub const MAX_CAP: Duration = Duration::from_secs(24 * 60 * 60);

    /// The wait before the first retry, before any jitter.
    #[must_use]
    pub fn base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// The longest wait.
    #[must_use]
    pub fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// How a wait is randomised.
    #[must_use]
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// A cap above [`MAX_CAP`](Self::MAX_CAP), or a base above the cap. A base of zero is allowed: it retries at
    /// once.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.cap > Self::MAX_CAP {
            let bound = format!("at most {:?}", Self::MAX_CAP);
            return Err(ConfigError::new(
                "backoff.cap",
                format_args!("{:?}", self.cap),
                bound,
            ));
        }
        if self.base > self.cap {
            let bound = format!("at most backoff.cap, {:?}", self.cap);
            return Err(ConfigError::new(
                "backoff.base",
                format_args!("{:?}", self.base),
                bound,
            ));
        }
        Ok(())
    }

    /// The wait before the next retry of one call: the `retries`-th, counted from 0, after a wait of `before`
    /// (zero for the first), with a uniform number `random`.
    #[must_use]
    pub fn wait(&self, retries: u32, before: Duration, random: u64) -> Duration {
        let (base, cap) = (nanos(self.base), nanos(self.cap));
        let grown = || {
            let factor = 1_u64.checked_shl(retries).unwrap_or(u64::MAX);
            base.saturating_mul(factor).min(cap)
        };
        let wait = match self.jitter {
            Jitter::None => grown(),
            Jitter::Full => between(0, grown(), random),
            Jitter::Equal => between(grown() / 2, grown(), random),
            Jitter::Decorrelated => {
                let most = nanos(before).max(base).saturating_mul(3).min(cap);
                between(base, most, random).min(cap)
            }
        };
        Duration::from_nanos(wait)
    }
}

/// A uniform number from `least` up to `most`: the upper half of a product of 128 bits, so that every bit counts
/// and nothing is rounded.
fn between(least: u64, most: u64, random: u64) -> u64 {
    let span = most.saturating_sub(least);
    least + ((u128::from(span) * u128::from(random)) >> 64) as u64
}
