use std::time::Instant;

use super::Circuit;
use super::permit::{Permit, Role};

impl Circuit {
    /// Makes a permit that was taken ahead of its call as good as one taken `now`: its call is timed from now,
    /// and its lease, if it is a probe, runs from now. False if it lapsed in the meantime; then ask again.
    pub fn renew(&self, permit: &mut Permit, now: Instant) -> bool {
        let at = self.origin.nanos_at(now);
        let mut locked = self.lock();
        if self.word().epoch() != permit.epoch {
            return false;
        }
        permit.granted = at;
        match permit.role {
            Role::Probe(probe) => {
                let locked = &mut *locked;
                locked.trial.renew_slot(&locked.config, probe, at)
            }
            Role::Call | Role::Passenger => true,
        }
    }
}
