use std::time::Instant;

use super::config::BreakerConfig;
use super::state::{Cause, CircuitState, Transition};
use super::{Circuit, Locked};
use crate::ConfigError;
use crate::sync::Ordering;
use crate::time::nanos;

/// Operations for an operator.
impl Circuit {
    /// Holds the circuit open, whatever its state, until it is [released](Self::release) as often as it was isolated.
    pub fn isolate(&self) -> Option<Transition> {
        let mut locked = self.lock();
        locked.isolations += 1;
        self.set_isolated(true)
    }

    /// Ends one isolation. After the last one the circuit continues in its underlying state.
    pub fn release(&self) -> Option<Transition> {
        let mut locked = self.lock();
        locked.isolations = locked.isolations.saturating_sub(1);
        if locked.isolations > 0 {
            return None;
        }
        self.set_isolated(false)
    }

    /// Closes the circuit and resets everything: counts, failure streak, earlier openings. It does not end an
    /// isolation.
    pub fn reset(&self, now: Instant) -> Option<Transition> {
        let at = self.origin.nanos_at(now);
        let mut locked = self.lock();
        locked.reopenings = 0;
        // The epoch first: otherwise a call in flight in a closed circuit would be counted in the new window. A call
        // admitted and settled in between counts as before the reset.
        let step = self.step(CircuitState::Closed, Cause::Reset);
        self.start_anew(&mut locked, at);
        // The new window has a tag of its own, so that nothing recorded in between is counted in it.
        self.publish(self.word().next_revision());
        visible(step)
    }

    /// Opens the circuit as a failure would, for the configured time; an open circuit restarts its open time.
    pub fn trip(&self, now: Instant, random: impl FnOnce() -> u64) -> Option<Transition> {
        let at = self.origin.nanos_at(now);
        let mut locked = self.lock();
        let step = self.reopen(&mut locked, Cause::Trip, at, None, random());
        visible(step)
    }

    /// Takes a new configuration, and keeps the state, the counts and the calls in flight. A running open time is
    /// computed anew from its start.
    ///
    /// # Errors
    ///
    /// What [`BreakerConfig::check`] rejects; then nothing changes.
    pub fn reconfigure(&self, config: BreakerConfig, now: Instant) -> Result<(), ConfigError> {
        config.check()?;
        let at = self.origin.nanos_at(now);
        let mut locked = self.lock();
        let Locked {
            history, opening, ..
        } = &mut *locked;
        if config.window != history.window() {
            history.resize(&self.successes, config.window, at);
        }
        opening.lasts = nanos(opening.length(&config));
        let open_until = opening.since.saturating_add(opening.lasts);
        self.hot.open_until.store(open_until, Ordering::Release);
        self.hot
            .slow_above
            .store(config.slow_above(), Ordering::Relaxed);
        self.publish(self.word().with_mode(config.mode).next_revision());
        locked.config = config;
        Ok(())
    }

    /// The configuration in force.
    pub fn config(&self) -> BreakerConfig {
        self.lock().config.clone()
    }

    fn set_isolated(&self, isolated: bool) -> Option<Transition> {
        let before = self.word();
        let after = before.with_isolated(isolated);
        self.publish(after);
        visible(Transition {
            from: before.state(),
            to: after.state(),
            cause: Cause::Isolation,
            open_for: None,
        })
    }
}

/// A visible transition: one between two states that is not hidden by an isolation.
fn visible(step: Transition) -> Option<Transition> {
    let hidden = step.from == CircuitState::Isolated && step.cause != Cause::Isolation;
    (step.from != step.to && !hidden).then_some(step)
}
