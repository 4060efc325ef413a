use std::time::Duration;

use crate::ConfigError;

/// How much of what all share one tenant may take.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`multiple`](Self::multiple) | 1 | the multiple of the free room that is lent to one tenant |
/// | [`buckets`](Self::buckets) | 1024 | the precision of the counts of tenants; 16 bytes each |
/// | [`memory`](Self::memory) | 1 s | a tenant that was the only one for this time may have all of the room |
///
/// Nothing is checked by the setters; [`Tenants`](super::Tenants) [checks](Self::check) the whole when it is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TenantsConfig {
    pub(super) multiple: f64,
    pub(super) buckets: u32,
    pub(super) memory: Duration,
}

impl Default for TenantsConfig {
    fn default() -> Self {
        Self {
            multiple: 1.0,
            buckets: 1024,
            memory: Duration::from_secs(1),
        }
    }
}

impl TenantsConfig {
    /// The largest multiple.
    pub const MAX_MULTIPLE: f64 = 100.0;
    /// The fewest buckets.
    pub const MIN_BUCKETS: u32 = 64;
    /// The most buckets: a megabyte.
    pub const MAX_BUCKETS: u32 = 65_536;
    /// The shortest memory. With 0, every tenant would count as the only one.
    pub const MIN_MEMORY: Duration = Duration::from_millis(10);
    /// The longest memory.
    pub const MAX_MEMORY: Duration = Duration::from_secs(60);

    /// How many times what is left free one tenant may have beyond an even part. With more, less is left free for the
    /// others to come; with 0 nothing is lent to one beside others. Where a queue counts as room, what is left free is
    /// slots in the queue, and no worker idles for it.
    #[must_use]
    pub fn multiple(mut self, multiple: f64) -> Self {
        self.multiple = multiple;
        self
    }

    /// The precision of the counts. It should be a few times the number of calls that are in flight or wait. It cannot
    /// be changed after the rule is made.
    #[must_use]
    pub fn buckets(mut self, buckets: u32) -> Self {
        self.buckets = buckets;
        self
    }

    /// How long a tenant must be the only one to have everything.
    #[must_use]
    pub fn memory(mut self, memory: Duration) -> Self {
        self.memory = memory;
        self
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// A multiple that is negative, above [`MAX_MULTIPLE`](Self::MAX_MULTIPLE) or no number; buckets outside of
    /// [`MIN_BUCKETS`](Self::MIN_BUCKETS) and [`MAX_BUCKETS`](Self::MAX_BUCKETS); a memory outside of
    /// [`MIN_MEMORY`](Self::MIN_MEMORY) and [`MAX_MEMORY`](Self::MAX_MEMORY).
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(0.0..=Self::MAX_MULTIPLE).contains(&self.multiple) {
            let bound = format!("from 0 to {}", Self::MAX_MULTIPLE);
            return Err(ConfigError::new("tenants.multiple", self.multiple, bound));
        }
        if !(Self::MIN_BUCKETS..=Self::MAX_BUCKETS).contains(&self.buckets) {
            let bound = format!("from {} to {}", Self::MIN_BUCKETS, Self::MAX_BUCKETS);
            return Err(ConfigError::new("tenants.buckets", self.buckets, bound));
        }
        if !(Self::MIN_MEMORY..=Self::MAX_MEMORY).contains(&self.memory) {
            let value = format_args!("{:?}", self.memory);
            let bound = format!("from {:?} to {:?}", Self::MIN_MEMORY, Self::MAX_MEMORY);
            return Err(ConfigError::new("tenants.memory", value, bound));
        }
        Ok(())
    }
}
