use std::time::Instant;

use super::call::Claim;
use super::{Call, SHARED, Shed, ShedConfig, TENANTED};
use crate::shares::{Shares, Tenant, Tenants};
use crate::sync::lock;
use crate::{ConfigError, Criticality, Reason};

/// Who has what of the limit.
///
/// What was made is kept when it is turned off, because calls under way are counted in it.
#[derive(Debug)]
pub(super) struct Sharing {
    shares: Option<Shares>,
    tenants: Option<Tenants>,
    seed: u64,
}

/// Before whom a call waits, if it has to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Standing {
    /// Before all others: its share of the limit is not used up.
    Entitled,
    /// By what it matters.
    Borrower,
}

impl Sharing {
    pub(super) fn new(config: &ShedConfig, seed: u64) -> Result<Self, ConfigError> {
        let mut sharing = Self {
            shares: None,
            tenants: None,
            seed,
        };
        sharing.reconfigure(config)?;
        Ok(sharing)
    }

    pub(super) fn reconfigure(&mut self, config: &ShedConfig) -> Result<(), ConfigError> {
        if let Some(config) = config.tenants {
            match &mut self.tenants {
                Some(tenants) => tenants.reconfigure(config)?,
                None => self.tenants = Some(Tenants::new(config, self.seed)?),
            }
        }
        if let Some(config) = config.shares {
            match &mut self.shares {
                Some(shares) => shares.reconfigure(config)?,
                None => self.shares = Some(Shares::new(config)?),
            }
        }
        Ok(())
    }

    pub(super) fn tenant(&self, name: &[u8]) -> Option<Tenant> {
        Some(self.tenants.as_ref()?.tenant(name))
    }

    /// What a criticality has for certain is free, or it may borrow, or why it may not.
    fn standing(
        &self,
        criticality: Criticality,
        limit: u64,
        now: Instant,
    ) -> Result<Standing, Reason> {
        let Some(shares) = &self.shares else {
            return Ok(Standing::Borrower);
        };
        let own = shares.snapshot(criticality, limit, now);
        if own.in_flight < own.share {
            return Ok(Standing::Entitled);
        }
        match shares.threshold(limit, now) {
            Some(least) if criticality >= least => Ok(Standing::Borrower),
            Some(_) => Err(Reason::CriticalityTooLow),
            None if shares.in_flight() < limit => Err(Reason::CriticalityTooLow),
            None => Err(Reason::LimitReached),
        }
    }
}

impl Shed {
    /// Counts a call of a tenant, unless that has its share of the room.
    pub(super) fn enter_tenant(&self, tenant: Option<Tenant>, now: Instant) -> Result<(), Reason> {
        let room = self.room();
        let mut sharing = lock(&self.sharing);
        let is_let_in = match (tenant, &mut sharing.tenants) {
            (Some(tenant), Some(tenants)) => tenants.admit(tenant, room, now),
            _ => true,
        };
        is_let_in.then_some(()).ok_or(Reason::TenantOverShare)
    }

    /// Counts a call of a tenant that is let in although it has its share.
    pub(super) fn overdraw_tenant(&self, tenant: Option<Tenant>) {
        if let (Some(tenant), Some(tenants)) = (tenant, &mut lock(&self.sharing).tenants) {
            tenants.overdraw(tenant);
        }
    }

    pub(super) fn standing(
        &self,
        criticality: Criticality,
        now: Instant,
    ) -> Result<Standing, Reason> {
        lock(&self.sharing).standing(criticality, self.limit.limit(), now)
    }

    /// Remembers that a call was turned away, so that places are left free for others like it.
    pub(super) fn turn_away(&self, claim: Claim, now: Instant) {
        if let (true, Some(shares)) = (claim.shared, &mut lock(&self.sharing).shares) {
            shares.turn_away(claim.criticality, self.limit.limit(), now);
        }
    }

    /// A call that is counted in its share begins.
    pub(super) fn begin_share(&self, claim: Claim) {
        if let (true, Some(shares)) = (claim.shared, &mut lock(&self.sharing).shares) {
            shares.overdraw(claim.criticality);
        }
    }

    /// A call ends: nobody has its part of the limit any more.
    #[inline]
    pub(super) fn end_share(&self, claim: Claim) {
        if !claim.is_counted() {
            return;
        }
        let mut sharing = lock(&self.sharing);
        if let (true, Some(shares)) = (claim.shared, &mut sharing.shares) {
            shares.release(claim.criticality);
        }
        if let (Some(tenant), Some(tenants)) = (claim.tenant, &mut sharing.tenants) {
            tenants.release(tenant);
        }
    }

    /// A call that has not begun goes: its tenant has one less.
    pub(super) fn leave_tenant(&self, claim: Claim) {
        self.end_share(Claim {
            shared: false,
            counted: claim.tenant.is_some(),
            ..claim
        });
    }

    /// What flags say of how a call is counted.
    pub(super) fn claim(&self, flags: u64, call: &Call) -> Claim {
        let shared = flags & SHARED != 0;
        let tenant = call.tenant.filter(|_| flags & TENANTED != 0);
        Claim {
            criticality: call.criticality,
            sampled: call.sampled,
            throttled: false,
            shared,
            counted: shared || tenant.is_some(),
            tenant,
        }
    }

    fn room(&self) -> u64 {
        let queue = lock(&self.locked).config.queue as u64;
        self.limit.limit() + queue
    }
}
