use std::time::{Duration, Instant};

use super::permit::{Permit, Role};
use super::state::{CircuitState, Transition};
use super::{Circuit, Refusal};
use crate::Mode;
use crate::sync::Ordering;

/// The answer to [`Circuit::reserve`].
#[derive(Debug)]
pub struct Reservation {
    /// Whether the call will be admitted.
    pub readiness: Readiness,
    /// The transition that this reservation caused, if any.
    pub transition: Option<Transition>,
}

/// Whether a call that is about to be made will be admitted.
#[derive(Debug, PartialEq, Eq)]
pub enum Readiness {
    /// A call would be admitted. Ask again when it is made.
    Admissible,
    /// A probe slot is held for the call, to be [renewed](Circuit::renew) when it is made, or
    /// [withdrawn](Circuit::withdraw).
    Held(Permit),
    /// A call would be rejected. Ask again when the circuit has changed, or after this time; `None` if an operator
    /// holds it open.
    Unready(Option<Duration>),
}

/// For services that wait rather than being rejected.
impl Circuit {
    /// Returns whether a call would be admitted `now`, and holds a probe slot for it if it needs one. A recovering
    /// circuit is admissible, and its ramp decides when the call is made.
    pub fn reserve(&self, now: Instant, mut random: impl FnMut() -> u64) -> Reservation {
        if self.word().simply_closed() {
            return Readiness::Admissible.into();
        }
        let at = self.origin.nanos_at(now);
        let mut locked = self.lock();
        if locked.config.mode != Mode::Enforce {
            return Readiness::Admissible.into();
        }
        if self.word().is_isolated() {
            return Readiness::Unready(None).into();
        }
        let transition = self.step_by_time(&mut locked, at, &mut random);
        let word = self.word();
        let readiness = match word.underlying() {
            CircuitState::Open => {
                let until = self.hot.open_until.load(Ordering::Acquire);
                Readiness::Unready(Some(Duration::from_nanos(until.saturating_sub(at))))
            }
            CircuitState::HalfOpen => match locked.take_probe_slot(at) {
                Ok(role) => Readiness::Held(Permit::new(word.tag(), now, role)),
                Err(Refusal { retry_after, .. }) => Readiness::Unready(retry_after),
            },
            _ => Readiness::Admissible,
        };
        Reservation {
            readiness,
            transition,
        }
    }

    /// Renews a held permit as if granted `now`: its call is timed from now, and its lease runs from now. False if it
    /// expired in the meantime; then request admission again.
    pub fn renew(&self, permit: &mut Permit, now: Instant) -> bool {
        let at = self.origin.nanos_at(now);
        let mut locked = self.lock();
        let locked = &mut *locked;
        permit.granted = now;
        match permit.role {
            Role::Probe(probe) if self.word().epoch() == permit.tag.epoch() => {
                locked.trial.renew_slot(&locked.config, probe, at)
            }
            _ => false,
        }
    }

    /// Returns a held permit whose call was never made. True if that freed its slot.
    #[expect(clippy::needless_pass_by_value, reason = "a permit is used up")]
    pub fn withdraw(&self, permit: Permit) -> bool {
        let mut locked = self.lock();
        match permit.role {
            Role::Probe(probe) if self.word().epoch() == permit.tag.epoch() => {
                locked.trial.free_slot(probe)
            }
            _ => false,
        }
    }
}

impl From<Readiness> for Reservation {
    fn from(readiness: Readiness) -> Self {
        Self {
            readiness,
            transition: None,
        }
    }
}
