use std::time::{Duration, Instant};

use super::permit::{Admission, Permit, Refusal, Role};
use super::state::CircuitState;
use super::steps::Locked;
use super::trial::Verdict;
use super::{Cause, Circuit, Transition};
use crate::Reason;
use crate::sync::Ordering;

impl Circuit {
    /// Asks to make a call `now`.
    ///
    /// `chance` gives uniform 64-bit numbers. It is asked at most twice: whether a recovering circuit lets this
    /// call through, or for the jitter of an opening; and whether a refusal binds (where the mode enforces for
    /// a share of calls, give it the hash of the call's identity to keep the share stable).
    #[inline]
    pub fn admit(&self, now: Instant, chance: impl FnMut() -> u64) -> Admission {
        let word = self.word();
        let at = self.origin.nanos_at(now);
        if word.simply_closed() {
            return Admission {
                verdict: Ok(Permit {
                    epoch: word.epoch(),
                    granted: at,
                    role: Role::Call,
                }),
                would_reject: None,
                transition: None,
            };
        }
        if word.simply_open() {
            let open_until = self.hot.open_until.load(Ordering::Acquire);
            // The same word still stands, so the time read in between is that of this opening.
            if at < open_until && self.word() == word {
                return Admission {
                    verdict: Err(open(open_until - at)),
                    would_reject: None,
                    transition: None,
                };
            }
        }
        self.admit_slowly(at, chance)
    }

    #[cold]
    fn admit_slowly(&self, at: u64, mut chance: impl FnMut() -> u64) -> Admission {
        let mut locked = self.lock();
        let word = self.word();
        if word.is_off() {
            return passenger(word.epoch(), at, None);
        }
        if word.is_isolated() {
            let refusal = Refusal {
                reason: Reason::CircuitIsolated,
                retry_after: None,
            };
            return self.refuse(&locked, refusal, at, None, chance);
        }

        let transition = self.step_by_time(&mut locked, at, &mut chance);
        let word = self.word();
        let verdict = match word.underlying() {
            CircuitState::Open => {
                let left = self
                    .hot
                    .open_until
                    .load(Ordering::Acquire)
                    .saturating_sub(at);
                Err(open(left))
            }
            CircuitState::HalfOpen => locked.take_probe_slot(at),
            CircuitState::Recovering => locked.admit_on_ramp(at, chance()),
            CircuitState::Closed | CircuitState::Isolated => Ok(Role::Call),
        };
        match verdict {
            Ok(role) => Admission {
                verdict: Ok(Permit {
                    epoch: word.epoch(),
                    granted: at,
                    role,
                }),
                would_reject: None,
                transition,
            },
            Err(refusal) => self.refuse(&locked, refusal, at, transition, chance),
        }
    }

    /// The step that is due because time has passed, if one is.
    pub(super) fn step_by_time(
        &self,
        locked: &mut Locked,
        at: u64,
        chance: &mut impl FnMut() -> u64,
    ) -> Option<Transition> {
        match self.word().underlying() {
            CircuitState::Open if at >= self.hot.open_until.load(Ordering::Acquire) => {
                Some(self.half_open(locked, at))
            }
            CircuitState::HalfOpen => match locked.trial.verdict(&locked.config, at)? {
                Verdict::Failed => {
                    let cause = if locked.trial.stay_is_over(&locked.config, at) {
                        Cause::StayElapsed
                    } else {
                        // A new configuration is content with what the old one had heard.
                        Cause::ProbesFailed
                    };
                    Some(self.reopen(locked, cause, at, None, chance()))
                }
                Verdict::Passed => Some(self.recover(locked, at)),
            },
            CircuitState::Recovering if locked.ramp_is_done(at) => Some(self.close_after_ramp()),
            _ => None,
        }
    }

    /// Refuses, unless the mode says that this call passes.
    fn refuse(
        &self,
        locked: &Locked,
        refusal: Refusal,
        at: u64,
        transition: Option<Transition>,
        chance: impl FnMut() -> u64,
    ) -> Admission {
        if locked.config.mode.binds(chance) {
            return Admission {
                verdict: Err(refusal),
                would_reject: None,
                transition,
            };
        }
        Admission {
            transition,
            ..passenger(self.word().epoch(), at, Some(refusal.reason))
        }
    }
}

fn open(nanos_left: u64) -> Refusal {
    Refusal {
        reason: Reason::CircuitOpen,
        retry_after: Some(Duration::from_nanos(nanos_left)),
    }
}

fn passenger(epoch: u64, granted: u64, would_reject: Option<Reason>) -> Admission {
    Admission {
        verdict: Ok(Permit {
            epoch,
            granted,
            role: Role::Passenger,
        }),
        would_reject,
        transition: None,
    }
}
