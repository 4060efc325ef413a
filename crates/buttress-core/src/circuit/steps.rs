use std::time::Duration;

use super::Circuit;
use super::config::BreakerConfig;
use super::packed_state::PackedState;
use super::permit::{Refusal, Role};
use super::probes::{Probes, Verdict};
use super::state::{Cause, CircuitState, Transition};
use crate::sync::Ordering;
use crate::time::nanos;
use crate::window::History;
use crate::{Ratio, Reason};

/// The state of a circuit that its lock protects.
#[derive(Debug)]
pub(super) struct Locked {
    pub(super) config: BreakerConfig,
    pub(super) history: History,
    pub(super) trial: Probes,
    /// When the circuit last began to close, in nanoseconds: the start of a ramp, and of the time after which earlier
    /// openings are forgotten.
    pub(super) closing_since: u64,
    /// The current opening, or the last one.
    pub(super) opening: Opening,
    /// The number of openings after which the circuit was closed for less time than it had been open.
    pub(super) reopenings: u32,
    /// When the first of these openings was.
    pub(super) failing_since: u64,
    /// The number of operators that hold the circuit open.
    pub(super) isolations: u32,
}

/// The inputs of an open time, so that a new configuration can compute it again.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Opening {
    pub(super) since: u64,
    pub(super) lasts: u64,
    pub(super) failing_for: u64,
    pub(super) hint: Option<Duration>,
    pub(super) random: u64,
}

impl Locked {
    pub(super) fn new(config: BreakerConfig) -> Self {
        Self {
            history: History::new(config.window),
            trial: Probes::new(0),
            closing_since: 0,
            opening: Opening::default(),
            reopenings: 0,
            failing_since: 0,
            isolations: 0,
            config,
        }
    }

    /// Forgets earlier openings if the circuit has been closed for at least as long as it was open.
    fn forgive(&mut self, at: u64) {
        if at.saturating_sub(self.closing_since) >= self.opening.lasts {
            self.reopenings = 0;
        }
    }

    /// The verdict of the probes so far, if there is one.
    pub(super) fn trial_verdict(&mut self, at: u64) -> Option<Verdict> {
        self.trial.end_leases(&self.config, at);
        self.trial.verdict(&self.config, at)
    }

    pub(super) fn take_probe_slot(&mut self, at: u64) -> Result<Role, Refusal> {
        self.trial
            .take_slot(&self.config, at)
            .map(Role::Probe)
            .map_err(|wait| Refusal {
                reason: Reason::CircuitHalfOpen,
                retry_after: Some(Duration::from_nanos(wait)),
            })
    }

    /// Admits the ramp's share of calls. Rejections carry the time until the end of the ramp, after which every call is
    /// admitted.
    pub(super) fn admit_on_ramp(&self, at: u64, random: u64) -> Result<Role, Refusal> {
        if self.share_on_ramp(at).includes(random) {
            return Ok(Role::Call);
        }
        let left = self.ramp_end().saturating_sub(at);
        Err(Refusal {
            reason: Reason::CircuitRecovering,
            retry_after: Some(Duration::from_nanos(left)),
        })
    }

    /// The share of calls that a recovering circuit admits.
    pub(super) fn share_on_ramp(&self, at: u64) -> Ratio {
        let Some(ramp) = self.config.ramp else {
            return Ratio::ONE;
        };
        let gone = at.saturating_sub(self.closing_since) as f64 / nanos(ramp.over) as f64;
        let from = ramp.from.get();
        Ratio::new(from + (1.0 - from) * gone.min(1.0)).unwrap_or(Ratio::ONE)
    }

    pub(super) fn ramp_is_done(&self, at: u64) -> bool {
        at >= self.ramp_end()
    }

    fn ramp_end(&self) -> u64 {
        let over = self.config.ramp.map_or(0, |ramp| nanos(ramp.over));
        self.closing_since.saturating_add(over)
    }
}

impl Opening {
    /// The open time: the scheduled one, or the `Retry-After` of the dependency up to its cap, whichever is longer.
    pub(super) fn length(&self, config: &BreakerConfig) -> Duration {
        let scheduled = config
            .open_for
            .after(Duration::from_nanos(self.failing_for), self.random);
        let requested = self.hint.zip(config.retry_after_cap);
        requested.map_or(scheduled, |(hint, cap)| scheduled.max(hint.min(cap)))
    }
}

/// The transitions. Each is made with the lock held and publishes the packed state last, so that a thread that reads
/// the new state also sees its data.
impl Circuit {
    /// Opens the circuit, from any state.
    pub(super) fn reopen(
        &self,
        locked: &mut Locked,
        cause: Cause,
        at: u64,
        hint: Option<Duration>,
        random: u64,
    ) -> Transition {
        let word = self.word();
        if matches!(
            word.underlying(),
            CircuitState::Closed | CircuitState::Recovering
        ) {
            locked.forgive(at);
        }
        if locked.reopenings == 0 {
            locked.failing_since = at;
        }
        let mut opening = Opening {
            since: at,
            lasts: 0,
            failing_for: at.saturating_sub(locked.failing_since),
            hint,
            random,
        };
        let open_for = opening.length(&locked.config);
        opening.lasts = nanos(open_for);
        locked.opening = opening;
        locked.reopenings = locked.reopenings.saturating_add(1);
        self.hot
            .open_until
            .store(at.saturating_add(opening.lasts), Ordering::Release);
        self.publish(word.next_epoch().with_underlying(CircuitState::Open));
        Transition {
            from: word.state(),
            to: CircuitState::Open,
            cause,
            open_for: Some(open_for),
        }
    }

    /// Changes from open to half-open.
    pub(super) fn half_open(&self, locked: &mut Locked, at: u64) -> Transition {
        locked.trial = Probes::new(at);
        self.step(CircuitState::HalfOpen, Cause::OpenElapsed)
    }

    /// Changes from half-open to recovering if there is a ramp, otherwise to closed.
    pub(super) fn recover(&self, locked: &mut Locked, at: u64) -> Transition {
        // Clears the window before the epoch is published, so that no call of the new epoch is counted in the old
        // window. The old epoch has no ordinary calls.
        self.start_anew(locked, at);
        let to = if locked.config.ramp.is_some() {
            CircuitState::Recovering
        } else {
            CircuitState::Closed
        };
        self.step(to, Cause::ProbesPassed)
    }

    /// Changes from recovering to closed in the same epoch, so that the calls of the ramp still count.
    pub(super) fn close_after_ramp(&self) -> Transition {
        let word = self.word();
        self.publish(word.with_underlying(CircuitState::Closed));
        Transition {
            from: word.state(),
            to: CircuitState::Closed,
            cause: Cause::RampDone,
            open_for: None,
        }
    }

    /// Clears the window for a new epoch of ordinary calls.
    pub(super) fn start_anew(&self, locked: &mut Locked, at: u64) {
        locked.history.clear(&self.successes);
        locked.closing_since = at;
    }

    /// Changes to another state in a new epoch.
    pub(super) fn step(&self, to: CircuitState, cause: Cause) -> Transition {
        let word = self.word();
        self.publish(word.next_epoch().with_underlying(to));
        Transition {
            from: word.state(),
            to,
            cause,
            open_for: None,
        }
    }

    pub(super) fn publish(&self, word: PackedState) {
        self.hot.word.store(word.0, Ordering::Release);
    }
}
