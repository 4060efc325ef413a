use std::time::Duration;

use crate::ConfigError;

/// How much of a shared limit one tenant may take.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`borrow_factor`](Self::borrow_factor) | 1 | how many times the free slots one tenant may borrow |
/// | [`buckets`](Self::buckets) | 1024 | the size of the sketch that counts calls by tenant; 16 bytes each |
/// | [`reservation_ttl`](Self::reservation_ttl) | 1 s | for how long slots stay reserved for others after their last call |
///
/// The setters check nothing; [`Tenants::new`](super::Tenants::new) [checks](Self::check) the configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TenantsConfig {
    pub(super) borrow_factor: f64,
    pub(super) buckets: u32,
    pub(super) reservation_ttl: Duration,
}

impl Default for TenantsConfig {
    fn default() -> Self {
        Self {
            borrow_factor: 1.0,
            buckets: 1024,
            reservation_ttl: Duration::from_secs(1),
        }
    }
}

impl TenantsConfig {
    /// The largest [`borrow_factor`](Self::borrow_factor).
    pub const MAX_BORROW_FACTOR: f64 = 100.0;
    /// The smallest number of [`buckets`](Self::buckets).
    pub const MIN_BUCKETS: u32 = 64;
    /// The largest number of [`buckets`](Self::buckets): one megabyte of memory.
    pub const MAX_BUCKETS: u32 = 65_536;
    /// The shortest [`reservation_ttl`](Self::reservation_ttl). With 0, every tenant would count as the only one.
    pub const MIN_RESERVATION_TTL: Duration = Duration::from_millis(10);
    /// The longest [`reservation_ttl`](Self::reservation_ttl).
    pub const MAX_RESERVATION_TTL: Duration = Duration::from_secs(60);

    /// How many times the free slots one tenant may borrow beyond an equal part, 1 by default. A higher factor leaves
    /// fewer slots free for other tenants; with 0 a tenant borrows nothing while there are others. Where a queue counts
    /// towards the limit, the slots left free are slots in the queue, and no worker idles.
    #[must_use]
    pub fn borrow_factor(mut self, borrow_factor: f64) -> Self {
        self.borrow_factor = borrow_factor;
        self
    }

    /// The size of the sketch that counts calls by tenant, 1024 by default. It should be a few times the number of calls
    /// that are in flight or wait. It cannot be changed later.
    #[must_use]
    pub fn buckets(mut self, buckets: u32) -> Self {
        self.buckets = buckets;
        self
    }

    /// How long slots stay reserved for other tenants after the last call of one, 1 second by default. A tenant that
    /// was the only one for this time may use the whole limit.
    #[must_use]
    pub fn reservation_ttl(mut self, reservation_ttl: Duration) -> Self {
        self.reservation_ttl = reservation_ttl;
        self
    }

    /// Checks the configuration.
    ///
    /// # Errors
    ///
    /// A `borrow_factor` that is negative, above [`MAX_BORROW_FACTOR`](Self::MAX_BORROW_FACTOR) or not a number;
    /// `buckets` outside of [`MIN_BUCKETS`](Self::MIN_BUCKETS) and [`MAX_BUCKETS`](Self::MAX_BUCKETS); a
    /// `reservation_ttl` outside of
    /// [`MIN_RESERVATION_TTL`](Self::MIN_RESERVATION_TTL) and [`MAX_RESERVATION_TTL`](Self::MAX_RESERVATION_TTL).
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(0.0..=Self::MAX_BORROW_FACTOR).contains(&self.borrow_factor) {
            let bound = format!("from 0 to {}", Self::MAX_BORROW_FACTOR);
            return Err(ConfigError::new(
                "tenants.borrow_factor",
                self.borrow_factor,
                bound,
            ));
        }
        if !(Self::MIN_BUCKETS..=Self::MAX_BUCKETS).contains(&self.buckets) {
            let bound = format!("from {} to {}", Self::MIN_BUCKETS, Self::MAX_BUCKETS);
            return Err(ConfigError::new("tenants.buckets", self.buckets, bound));
        }
        if !(Self::MIN_RESERVATION_TTL..=Self::MAX_RESERVATION_TTL).contains(&self.reservation_ttl)
        {
            let value = format_args!("{:?}", self.reservation_ttl);
            let bound = format!(
                "from {:?} to {:?}",
                Self::MIN_RESERVATION_TTL,
                Self::MAX_RESERVATION_TTL
            );
            return Err(ConfigError::new("tenants.reservation_ttl", value, bound));
        }
        Ok(())
    }
}
