use std::time::Instant;

use super::owner::{Claims, Owner, Waiting};
use super::{Bulkhead, BulkheadConfig, Locked, Permit};
use crate::queue::{Dequeued, QuotaHolder, WaitQueue};
use crate::shares::{Partition, PartitionSnapshot, Partitions, Shares, Tenants, Usage};
use crate::{ConfigError, Criticality, Reason};

/// The slots of each owner, where calls are counted by owner. All tokens then stay under the lock.
///
/// The state is kept when sharing is turned off, because calls in flight are counted in it.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    partitions: Option<Partitions>,
    /// The waiters of each partition but the rest, which uses the queue of a bulkhead without partitions.
    lines: Vec<WaitQueue<Waiting>>,
    tenants: Option<Tenants>,
    shares: Option<Shares>,
    claims: Claims,
}

impl Sharing {
    pub(super) fn no_waiters(&self) -> bool {
        self.lines.iter().all(WaitQueue::is_empty)
    }

    /// Takes a new configuration, which must be valid. `rest` is the bulkhead's own queue.
    pub(super) fn reconfigure(
        &mut self,
        config: &BulkheadConfig,
        seed: u64,
        rest: &WaitQueue<Waiting>,
        now: Instant,
    ) -> Result<(), ConfigError> {
        // Everything that can fail comes first.
        match (&mut self.tenants, config.tenants) {
            (Some(tenants), Some(config)) => tenants.reconfigure(config)?,
            (None, Some(config)) => self.tenants = Some(Tenants::new(config, seed)?),
            (_, None) => {}
        }
        if let Some(config_of_shares) = config.shares {
            let shares = match &mut self.shares {
                Some(shares) => shares,
                unmade => unmade.insert(Shares::new(config_of_shares)?),
            };
            shares.reconfigure(config_of_shares)?;
            if config.queue.capacity > 0 {
                shares.release_reserved();
            }
        }
        if let Some(shares) = &config.partitions {
            let waits = |partition| !line_of(partition, rest, &self.lines).is_empty();
            let partitions = match &mut self.partitions {
                Some(partitions) => partitions,
                unmade => unmade.insert(Partitions::new(shares.clone())?),
            };
            partitions.reconfigure(shares.clone(), waits)?;
            if config.queue.capacity > 0 {
                partitions.release_reserved();
            }
            while self.lines.len() + 1 < partitions.count() {
                self.lines.push(WaitQueue::new(config.queue.clone(), now)?);
            }
        }
        for line in &mut self.lines {
            line.reconfigure(config.queue.clone())?;
        }
        Ok(())
    }
}

/// The queue of a partition.
fn line_of<'a>(
    partition: Partition,
    rest: &'a WaitQueue<Waiting>,
    lines: &'a [WaitQueue<Waiting>],
) -> &'a WaitQueue<Waiting> {
    let line = partition.index().checked_sub(1);
    line.map_or(rest, |line| &lines[line])
}

impl Locked {
    /// The owner for a key. A tenant that uses its share is admitted only if rejections are not enforced.
    pub(super) fn claim(
        &mut self,
        key: &str,
        criticality: Criticality,
        enforced: bool,
        now: Instant,
    ) -> Result<(Owner, Option<Reason>), Reason> {
        if self.config.tenants.is_some()
            && let Some(tenants) = &mut self.sharing.tenants
        {
            let room = u64::from(self.config.limit) + self.config.queue.capacity as u64;
            let tenant = tenants.tenant(key.as_bytes());
            if tenants.admit(tenant, room, now) {
                return Ok((Owner::Tenant(tenant), None));
            }
            if enforced {
                return Err(Reason::TenantOverShare);
            }
            tenants.force_acquire(tenant);
            return Ok((Owner::Tenant(tenant), Some(Reason::TenantOverShare)));
        }
        if self.config.shares.is_some() {
            return Ok((Owner::Class(criticality), None));
        }
        let partition = self.partitions().map(|partitions| partitions.of(key));
        Ok(match partition {
            None | Some(Partition::REST) => (Owner::None, None),
            Some(partition) => (Owner::Partition(partition), None),
        })
    }

    /// Whether a new call may have a slot immediately.
    pub(super) fn may_enter(&self, claim: Owner, now: Instant) -> bool {
        let Some(partitions) = self.partitions() else {
            let limit = u64::from(self.config.limit);
            let may = match (claim, &self.sharing.shares) {
                (Owner::Class(criticality), Some(shares)) => shares.may(criticality, limit, now),
                _ => true,
            };
            return may && self.free > 0 && self.no_waiters();
        };
        let waits = |partition| self.has_waiters_in(partition);
        partitions.may_enter(claim.partition(), self.usage(), waits, now)
    }

    /// Records the rejection of a call that cannot wait, and returns the reason.
    pub(super) fn reject(&mut self, claim: Owner, now: Instant) -> Reason {
        let usage = self.usage();
        if let (Owner::Class(criticality), Some(shares)) = (claim, &mut self.sharing.shares) {
            shares.reject(criticality, usage.limit, now);
            return if self.free > 0 {
                Reason::CriticalityTooLow
            } else {
                Reason::BulkheadFull
            };
        }
        let is_on = self.config.partitions.is_some();
        let Some(partitions) = self.sharing.partitions.as_mut().filter(|_| is_on) else {
            return Reason::BulkheadFull;
        };
        partitions.reject(claim.partition(), usage, now);
        if self.free > 0 {
            // Other owners are below their shares.
            Reason::TenantOverShare
        } else {
            Reason::BulkheadFull
        }
    }

    /// The permit of a call that begins.
    pub(super) fn begin(&mut self, claim: Owner) -> Permit {
        if let Owner::None = claim {
            return Permit::COUNTED;
        }
        let Some(permit) = self.sharing.claims.keep(claim) else {
            self.forget(claim);
            return Permit::COUNTED;
        };
        let Sharing {
            partitions, shares, ..
        } = &mut self.sharing;
        if let (Owner::Partition(partition), Some(partitions)) = (claim, partitions) {
            partitions.enter(partition);
        } else if let (Owner::Class(criticality), Some(shares)) = (claim, shares) {
            shares.force_acquire(criticality);
        }
        permit
    }

    /// Records the end of a call, by the index of its entry.
    pub(super) fn end(&mut self, entry: u32) {
        let claim = self.sharing.claims.take(entry);
        let Sharing {
            partitions, shares, ..
        } = &mut self.sharing;
        if let (Owner::Partition(partition), Some(partitions)) = (claim, partitions) {
            partitions.leave(partition);
        } else if let (Owner::Class(criticality), Some(shares)) = (claim, shares) {
            shares.release(criticality);
        }
        self.forget(claim);
    }

    /// Removes a call that has left the queue, or has ended.
    pub(super) fn forget(&mut self, claim: Owner) {
        if let (Owner::Tenant(tenant), Some(tenants)) = (claim, &mut self.sharing.tenants) {
            tenants.release(tenant);
        }
    }

    /// All queues of calls.
    pub(super) fn lines(&self) -> impl Iterator<Item = &WaitQueue<Waiting>> {
        std::iter::once(&self.queue).chain(&self.sharing.lines)
    }

    /// The queue in which a call waits.
    pub(super) fn line(&mut self, claim: Owner) -> &mut WaitQueue<Waiting> {
        match claim.partition().index().checked_sub(1) {
            None => {
                self.entitle();
                &mut self.queue
            }
            Some(line) => &mut self.sharing.lines[line],
        }
    }

    /// The next waiter to leave the queues, if there is room.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Dequeued<Waiting>> {
        if self.config.partitions.is_none() {
            self.entitle();
            let sharing = &mut self.sharing;
            // These waiters are in removed partitions, which get no new requests.
            let left = sharing.lines.iter_mut().find(|line| !line.is_empty());
            return left.unwrap_or(&mut self.queue).pop(now);
        }
        let usage = self.usage();
        let waits = |partition| self.has_waiters_in(partition);
        let next = self.partitions()?.next(usage, waits)?;
        self.line(Owner::Partition(next)).pop(now)
    }

    /// Updates the reservations for waiters: slots up to the guaranteed share, and the same share of the queue as of
    /// the limit.
    fn entitle(&mut self) {
        let (limit, room) = (self.config.limit.into(), self.config.queue.capacity as u64);
        let shares = self.sharing.shares.as_ref();
        let shares = shares.filter(|_| self.config.shares.is_some());
        let entitled = |shares: &Shares, of| {
            let first = shares.deficit(of, limit);
            let kept = shares.share(of, room).max(first);
            QuotaHolder { first, kept }
        };
        let of = |of| shares.map_or_else(QuotaHolder::default, |shares| entitled(shares, of));
        self.queue.entitle(Criticality::ALL.map(of));
    }

    fn has_waiters_in(&self, partition: Partition) -> bool {
        !line_of(partition, &self.queue, &self.sharing.lines).is_empty()
    }

    /// The partitions, while there are any.
    fn partitions(&self) -> Option<&Partitions> {
        self.config.partitions.as_ref()?;
        self.sharing.partitions.as_ref()
    }

    fn usage(&self) -> Usage {
        let limit = i64::from(self.config.limit);
        Usage {
            limit: u64::from(self.config.limit),
            in_flight: u64::try_from(limit - self.free).unwrap_or(0),
        }
    }

    pub(super) fn partition_snapshots(&self) -> Vec<PartitionSnapshot> {
        let Some(partitions) = self.partitions() else {
            return Vec::new();
        };
        let usage = self.usage();
        let snapshot = |partition: Partition| {
            let line = line_of(partition, &self.queue, &self.sharing.lines);
            let snapshot = partitions.snapshot(partition, usage)?;
            Some(PartitionSnapshot {
                queued: line.len(),
                ..snapshot
            })
        };
        partitions.all().filter_map(snapshot).collect()
    }
}

impl Bulkhead {
    /// Ends a call of a partition or of a tenant; or one that was not counted at all.
    #[cold]
    #[inline(never)]
    pub(super) fn release_claim(&self, permit: &Permit, now: impl FnOnce() -> Instant) {
        if let Some(entry) = permit.claim() {
            let mut locked = self.lock();
            locked.end(entry);
            self.take_back(locked, 1, now);
        }
    }
}
