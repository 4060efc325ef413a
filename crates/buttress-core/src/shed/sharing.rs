use std::time::Instant;

use super::call::Claim;
use super::{Call, Shed, ShedConfig, TENANTED};
use crate::shares::{Tenant, Tenants};
use crate::sync::lock;
use crate::{ConfigError, Reason};

/// The slots and queue slots of each tenant.
///
/// The state is kept when sharing is turned off, because calls in flight are counted in it.
#[derive(Debug)]
pub(super) struct Sharing {
    tenants: Option<Tenants>,
    seed: u64,
}

impl Sharing {
    pub(super) fn new(config: &ShedConfig, seed: u64) -> Result<Self, ConfigError> {
        let mut sharing = Self {
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
        Ok(())
    }

    pub(super) fn tenant(&self, name: &[u8]) -> Option<Tenant> {
        Some(self.tenants.as_ref()?.tenant(name))
    }
}

impl Shed {
    /// Counts a call of a tenant, unless the tenant uses its share.
    pub(super) fn enter_tenant(&self, tenant: Option<Tenant>, now: Instant) -> Result<(), Reason> {
        let room = self.room();
        let mut sharing = lock(&self.sharing);
        let is_let_in = match (tenant, &mut sharing.tenants) {
            (Some(tenant), Some(tenants)) => tenants.admit(tenant, room, now),
            _ => true,
        };
        is_let_in.then_some(()).ok_or(Reason::TenantOverShare)
    }

    /// Counts a call of a tenant that is admitted beyond its share.
    pub(super) fn overdraw_tenant(&self, tenant: Option<Tenant>) {
        if let (Some(tenant), Some(tenants)) = (tenant, &mut lock(&self.sharing).tenants) {
            tenants.force_acquire(tenant);
        }
    }

    /// Removes a call from the count of its tenant.
    #[inline]
    pub(super) fn leave_tenant(&self, claim: Claim) {
        if let Some(tenant) = claim.tenant
            && let Some(tenants) = &mut lock(&self.sharing).tenants
        {
            tenants.release(tenant);
        }
    }

    /// How a call is counted, according to the flags.
    pub(super) fn claim(&self, flags: u64, call: &Call) -> Claim {
        let tenant = call.tenant.filter(|_| flags & TENANTED != 0);
        Claim {
            criticality: call.criticality,
            sampled: call.sampled,
            throttled: false,
            tenant,
        }
    }

    fn room(&self) -> u64 {
        let queue = lock(&self.locked).config.queue as u64;
        self.limit.limit() + queue
    }
}
