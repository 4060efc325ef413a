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
    /// Whether the head of its answer came, which was no failure.
    answered: bool,
}

/// What the probes say, once they have said enough.
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

    /// A slot for one more probe, or how many nanoseconds until there may be one.
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

    /// How many nanoseconds until a slot is sure to be free; 0 if one is.
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

    /// Takes slots back whose leases ended, or all when the half-open time is over. A probe whose head came, and whose
    /// body still runs, has succeeded.
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

    /// The head of a probe's answer came, and was no failure.
    pub(super) fn answered(&mut self, probe: u64) {
        let mut slots = self.slots.iter_mut();
        if let Some(slot) = slots.find(|slot| slot.probe == probe) {
            slot.answered = true;
        }
    }

    /// Gives a slot back. False if its lease ended and it was taken away.
    pub(super) fn free_slot(&mut self, probe: u64) -> bool {
        let held = self.slots.len();
        self.slots.retain(|slot| slot.probe != probe);
        self.slots.len() < held
    }

    /// Restarts a lease. False if it ended.
    pub(super) fn renew_slot(&mut self, config: &BreakerConfig, probe: u64, now: u64) -> bool {
        let mut held = self.slots.iter_mut().filter(|slot| slot.lease_ends > now);
        let slot = held.find(|slot| slot.probe == probe);
        if let Some(slot) = slot {
            slot.lease_ends = now.saturating_add(nanos(config.probe_timeout));
            return true;
        }
        false
    }

    /// Records a probe that returned its slot.
    pub(super) fn hear(&mut self, failed: bool) {
        self.ended += 1;
        self.failed += u32::from(failed);
    }

    /// The verdict: over all the probes, as soon as enough failed or all ended; over those that ended, when
    /// the stay is over. No result by then is a failure.
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
