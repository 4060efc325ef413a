use std::hash::{DefaultHasher, Hasher};
use std::num::NonZeroU64;
use std::time::Instant;

use super::TenantsConfig;
use super::sketch::Sketch;
use crate::ConfigError;

/// Shares one limit between up to millions of tenants.
///
/// While several tenants call, each may use an equal part of the room, plus the free room times
/// [`borrow_factor`](TenantsConfig::borrow_factor). Unused room is lent out, less of it the fuller the room, and some
/// always stays free for tenants with few calls. This is the dynamic threshold by which a switch shares its memory
/// between queues (Choudhury and Hahne, *IEEE/ACM Transactions on Networking* 6, 1998), plus a guaranteed part. A
/// single tenant may use all of the room.
///
/// Memory does not depend on the number of tenants. The calls in flight of each are counted in a
/// [sketch](TenantsConfig::buckets), which overestimates a tenant if others share all of its four buckets, and never
/// underestimates one. Fair queues by shuffle sharding, as in Kubernetes, would need a queue for each shard. A map of
/// tenants would have to evict some, and callers could force that by inventing names.
///
/// ```
/// use std::time::Instant;
/// use buttress_core::shares::{Tenants, TenantsConfig};
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// let now = Instant::now();
/// let mut tenants = Tenants::new(TenantsConfig::default(), 7)?;
/// let (greedy, modest) = (tenants.tenant(b"greedy"), tenants.tenant(b"modest"));
///
/// assert!(tenants.admit(modest, 90, now));
/// let had = (0..1_000).filter(|_| tenants.admit(greedy, 90, now)).count();
/// assert_eq!(had, 67);
/// assert!(tenants.admit(modest, 90, now));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Tenants {
    config: TenantsConfig,
    seed: u64,
    sketch: Sketch,
    in_all: u64,
    /// The last tenant that called, and when the tenant last changed.
    last: Option<Tenant>,
    mixed: Option<Instant>,
}

/// A tenant, by the hash of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tenant(NonZeroU64);

impl Tenants {
    /// Creates tenants without calls. With a secret `seed`, callers cannot choose names that share the buckets of other
    /// tenants.
    ///
    /// # Errors
    ///
    /// Returns the error of [`TenantsConfig::check`].
    pub fn new(config: TenantsConfig, seed: u64) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            sketch: Sketch::new(config.buckets),
            config,
            seed,
            in_all: 0,
            last: None,
            mixed: None,
        })
    }

    /// Returns the tenant with a name.
    #[must_use]
    pub fn tenant(&self, name: &[u8]) -> Tenant {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.seed);
        hasher.write(name);
        Tenant(NonZeroU64::new(hasher.finish()).unwrap_or(NonZeroU64::MIN))
    }

    /// Counts a call until it is [released](Self::release), and returns `true`, unless its tenant already uses its
    /// share of the room. `room` is the total, used or free: the limit, plus the length of the queue if there is one. A
    /// waiting call counts as much as one in flight.
    #[must_use]
    pub fn admit(&mut self, tenant: Tenant, room: u64, now: Instant) -> bool {
        if self.last.is_some_and(|last| last != tenant) {
            self.mixed = Some(now);
        }
        self.last = Some(tenant);
        let may = !self.is_mixed(now) || self.has(tenant) < self.level(tenant, room);
        if may {
            self.force_acquire(tenant);
        }
        may
    }

    /// Counts a call without a check, for modes in which rejections are not enforced.
    pub fn force_acquire(&mut self, tenant: Tenant) {
        self.in_all += 1;
        self.sketch.add(tenant.0.get());
    }

    /// Records that a call has ended, or has stopped waiting.
    pub fn release(&mut self, tenant: Tenant) {
        self.in_all = self.in_all.saturating_sub(1);
        self.sketch.take(tenant.0.get());
    }

    /// An upper bound of the number of calls that a tenant has.
    #[must_use]
    pub fn has(&self, tenant: Tenant) -> u64 {
        self.sketch.at_most(tenant.0.get()).into()
    }

    /// The number of calls of all tenants.
    #[must_use]
    pub fn in_all(&self) -> u64 {
        self.in_all
    }

    /// The number of calls that a tenant may have now, unless it is the only one. At least one, so that a tenant
    /// without calls is not rejected for exceeding its share.
    #[must_use]
    pub fn level(&self, tenant: Tenant, room: u64) -> u64 {
        let present = self.sketch.present() + u64::from(self.has(tenant) == 0);
        // At least two: another tenant called recently, and may call again.
        let even = (room / present.max(2)).max(1);
        let free = room.saturating_sub(self.in_all);
        even.saturating_add((free as f64 * self.config.borrow_factor) as u64)
    }

    /// Applies a new configuration. The number of buckets cannot change.
    ///
    /// # Errors
    ///
    /// Returns the error of [`TenantsConfig::check`], or an error for another number of buckets, and changes nothing.
    pub fn reconfigure(&mut self, config: TenantsConfig) -> Result<(), ConfigError> {
        config.check()?;
        if config.buckets != self.config.buckets {
            let bound = format!("{}, as it was made", self.config.buckets);
            return Err(ConfigError::new("tenants.buckets", config.buckets, bound));
        }
        self.config = config;
        Ok(())
    }

    fn is_mixed(&self, now: Instant) -> bool {
        self.mixed
            .is_some_and(|at| now.saturating_duration_since(at) < self.config.reservation_ttl)
    }
}
