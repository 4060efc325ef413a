use super::config::BreakerConfig;
use crate::time::nanos;

/// The probes of one half-open period: the slots in use, and the results of those that ended.
#[derive(Debug)]
pub(super) struct Probes {
    since: u64,
    next: u64,
    slots: Vec<Slot>,
    ended: u32,
    failed: u32,
}

#[derive(Debug)]
struct Slot {
    probe: u64,
    lease_ends: u64,
    /// Whether the response head arrived and was no failure.
    answered: bool,
}

/// The result of the probes, once there are enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Failed,
    Passed,
}

impl Probes {
    pub(super) fn new(now: u64) -> Self {
        Self {
            since: now,
            next: 0,
            slots: Vec::new(),
            ended: 0,
            failed: 0,
        }
    }

    /// Takes a slot for one more probe.
    ///
    /// # Errors
    ///
    /// The time in nanoseconds until a slot may be free.
    pub(super) fn take_slot(&mut self, config: &BreakerConfig, now: u64) -> Result<u64, u64> {
        self.end_leases(config, now);
        let wait = self.wait_for_slot(config, now);
        if wait > 0 {
            return Err(wait);
        }
        let probe = self.next;
        self.next += 1;
        self.slots.push(Slot {
            probe,
            lease_ends: now.saturating_add(nanos(config.probe_timeout)),
            answered: false,
        });
        Ok(probe)
    }

    /// The time in nanoseconds until a slot is free; 0 if one is.
    pub(super) fn wait_for_slot(&self, config: &BreakerConfig, now: u64) -> u64 {
        let held = self.slots.iter().filter(|slot| slot.lease_ends > now);
        let (count, next_end) = held.fold((0_u64, u64::MAX), |(count, end), slot| {
            (count + 1, end.min(slot.lease_ends))
        });
        if count + u64::from(self.ended) < u64::from(config.probes) {
            return 0;
        }
        let stay_ends = self.since.saturating_add(nanos(config.half_open_timeout));
        next_end.min(stay_ends).saturating_sub(now).max(1)
    }

    /// Frees the slots whose leases have ended, and when the half-open time is over also those of probes whose response
    /// head has arrived. A probe whose response head has arrived counts as successful.
    pub(super) fn end_leases(&mut self, config: &BreakerConfig, now: u64) {
        let stay_is_over = self.stay_is_over(config, now);
        let mut gone_well = 0;
        self.slots.retain(|slot| {
            let ended = slot.lease_ends <= now || (stay_is_over && slot.answered);
            gone_well += u32::from(ended && slot.answered);
            !ended
        });
        self.ended += gone_well;
    }

    /// Records that the response head of a probe arrived and was no failure.
    pub(super) fn answered(&mut self, probe: u64) {
        let mut slots = self.slots.iter_mut();
        if let Some(slot) = slots.find(|slot| slot.probe == probe) {
            slot.answered = true;
        }
    }

    /// Frees a slot. Returns `false` if its lease had ended and the slot was taken back.
    pub(super) fn free_slot(&mut self, probe: u64) -> bool {
        let held = self.slots.len();
        self.slots.retain(|slot| slot.probe != probe);
        self.slots.len() < held
    }

    /// Restarts a lease. Returns `false` if it had ended.
    pub(super) fn renew_slot(&mut self, config: &BreakerConfig, probe: u64, now: u64) -> bool {
        let mut held = self.slots.iter_mut().filter(|slot| slot.lease_ends > now);
        let slot = held.find(|slot| slot.probe == probe);
        if let Some(slot) = slot {
            slot.lease_ends = now.saturating_add(nanos(config.probe_timeout));
            return true;
        }
        false
    }

    /// Records the result of a probe that freed its slot.
    pub(super) fn hear(&mut self, failed: bool) {
        self.ended += 1;
        self.failed += u32::from(failed);
    }

    /// The verdict over all probes, as soon as enough have failed or all have ended. When the half-open time is over,
    /// the verdict over those that have ended; if none has, the probes failed.
    pub(super) fn verdict(&self, config: &BreakerConfig, now: u64) -> Option<Verdict> {
        let stay_over = self.stay_is_over(config, now);
        let of = if stay_over {
            self.ended.max(1)
        } else {
            config.probes
        };
        let failed = f64::from(self.failed) / f64::from(of) >= config.probe_failure_ratio.get();
        if failed || (stay_over && self.ended == 0) {
            Some(Verdict::Failed)
        } else if stay_over || self.ended >= config.probes {
            Some(Verdict::Passed)
        } else {
            None
        }
    }

    pub(super) fn stay_is_over(&self, config: &BreakerConfig, now: u64) -> bool {
        now.saturating_sub(self.since) >= nanos(config.half_open_timeout)
    }

    /// The number of probes with a slot whose lease has not ended.
    pub(super) fn under_way(&self, now: u64) -> usize {
        self.slots
            .iter()
            .filter(|slot| slot.lease_ends > now)
            .count()
    }
}
