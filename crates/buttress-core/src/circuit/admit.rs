use std::time::{Duration, Instant};

use super::packed_state::Tag;
use super::permit::{Admission, Permit, Refusal, Role};
use super::probes::Verdict;
use super::state::CircuitState;
use super::steps::Locked;
use super::{Cause, Circuit, Transition};
use crate::Reason;
use crate::sync::Ordering;

impl Circuit {
    /// Decides whether a call that begins `now` is admitted.
    ///
    /// `random` gives uniform 64-bit numbers. It is called at most twice: to decide whether a recovering circuit admits
    /// this call, or for the jitter of an opening; and to decide whether a rejection is enforced (where the mode
    /// enforces for a share of calls; [admit by identity](Self::admit_by_identity) to keep that share stable).
    pub fn admit(&self, now: Instant, random: impl FnMut() -> u64) -> Admission {
        self.admit_by_identity(now, || None, random)
    }

    /// Like [`admit`](Self::admit), for a call that may have an [identity](crate::Identify), which decides whether a
    /// rejection is enforced for it. The identity is evaluated only if needed.
    pub fn admit_by_identity(
        &self,
        now: Instant,
        identity: impl FnOnce() -> Option<u64>,
        random: impl FnMut() -> u64,
    ) -> Admission {
        let verdict = match self.admit_at_once(now) {
            Some(permit) => Ok(permit),
            None => match self.refuse_at_once(now) {
                Some(refusal) => Err(refusal),
                None => return self.admit_slowly(now, identity, random),
            },
        };
        Admission {
            verdict,
            would_reject: None,
            transition: None,
        }
    }

    /// Admits a call to a closed circuit. `None` is not a rejection: then call [`admit`](Self::admit).
    #[inline]
    pub fn admit_at_once(&self, now: Instant) -> Option<Permit> {
        let word = self.word();
        if !word.simply_closed() {
            return None;
        }
        Some(Permit::new(word.tag(), now, Role::Call))
    }

    /// Rejects a call to an open circuit, and returns for how long it stays open. `None` is not an admission: then call
    /// [`admit`](Self::admit).
    #[inline]
    pub fn refuse_at_once(&self, now: Instant) -> Option<Refusal> {
        let word = self.word();
        if !word.simply_open() {
            return None;
        }
        let at = self.origin.nanos_at(now);
        let open_until = self.hot.open_until.load(Ordering::Acquire);
        // The word has not changed, so the time read in between is that of this opening.
        (at < open_until && self.word() == word).then(|| open(open_until - at))
    }

    #[cold]
    fn admit_slowly(
        &self,
        now: Instant,
        identity: impl FnOnce() -> Option<u64>,
        mut random: impl FnMut() -> u64,
    ) -> Admission {
        let at = self.origin.nanos_at(now);
        let mut locked = self.lock();
        let word = self.word();
        if word.is_off() {
            return passenger(word.tag(), now, None);
        }
        if word.is_isolated() {
            let refusal = Refusal {
                reason: Reason::CircuitIsolated,
                retry_after: None,
            };
            let random = || identity().unwrap_or_else(random);
            return self.refuse(&locked, refusal, now, None, random);
        }

        let transition = self.step_by_time(&mut locked, at, &mut random);
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
            CircuitState::Recovering => locked.admit_on_ramp(at, random()),
            CircuitState::Closed | CircuitState::Isolated => Ok(Role::Call),
        };
        match verdict {
            Ok(role) => Admission {
                verdict: Ok(Permit::new(word.tag(), now, role)),
                would_reject: None,
                transition,
            },
            Err(refusal) => {
                let random = || identity().unwrap_or_else(random);
                self.refuse(&locked, refusal, now, transition, random)
            }
        }
    }

    /// The step that is due because time has passed, if one is.
    pub(super) fn step_by_time(
        &self,
        locked: &mut Locked,
        at: u64,
        random: &mut impl FnMut() -> u64,
    ) -> Option<Transition> {
        match self.word().underlying() {
            CircuitState::Open if at >= self.hot.open_until.load(Ordering::Acquire) => {
                Some(self.half_open(locked, at))
            }
            CircuitState::HalfOpen => match locked.trial_verdict(at)? {
                Verdict::Failed => {
                    let cause = if locked.trial.stay_is_over(&locked.config, at) {
                        Cause::StayElapsed
                    } else {
                        // A new configuration keeps the counts of the old one.
                        Cause::ProbesFailed
                    };
                    Some(self.reopen(locked, cause, at, None, random()))
                }
                Verdict::Passed => Some(self.recover(locked, at)),
            },
            CircuitState::Recovering if locked.ramp_is_done(at) => Some(self.close_after_ramp()),
            _ => None,
        }
    }

    /// Rejects, unless the mode admits this call.
    fn refuse(
        &self,
        locked: &Locked,
        refusal: Refusal,
        now: Instant,
        transition: Option<Transition>,
        random: impl FnOnce() -> u64,
    ) -> Admission {
        if locked.config.mode.is_enforced(random) {
            return Admission {
                verdict: Err(refusal),
                would_reject: None,
                transition,
            };
        }
        Admission {
            transition,
            ..passenger(self.word().tag(), now, Some(refusal.reason))
        }
    }
}

fn open(nanos_left: u64) -> Refusal {
    Refusal {
        reason: Reason::CircuitOpen,
        retry_after: Some(Duration::from_nanos(nanos_left)),
    }
}

fn passenger(tag: Tag, granted: Instant, would_reject: Option<Reason>) -> Admission {
    Admission {
        verdict: Ok(Permit::new(tag, granted, Role::Passenger)),
        would_reject,
        transition: None,
    }
}
