use std::time::Duration;

use crate::queue::{ControlledDelay, Order, QueueConfig};
use crate::shares::{PartitionsConfig, SharesConfig, TenantsConfig};
use crate::{ConfigError, Deadline, Mode};

/// The number of calls that may be in flight, and of those that may wait for a slot.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`limit`](Self::limit) | 64 | calls in flight at once |
/// | [`queue`](Self::queue) | 0 | how many calls may wait; with 0 none does |
/// | [`max_wait`](Self::max_wait) | 100 ms | the longest wait, for a slot and then for the service to become ready; a nearer deadline ends it sooner |
/// | [`order`](Self::order) | [`Order::AdaptiveLifo`] | which waiter is admitted first |
/// | [`by_criticality`](Self::by_criticality) | yes | more critical calls go first |
/// | [`controlled_delay`](Self::controlled_delay) | off | drops requests that waited long in a queue that does not drain |
/// | [`margin`](Self::margin) | 0 | how long before its deadline a call must begin |
/// | [`partitions`](Self::partitions) | off | the guaranteed share of the limit for calls of a name |
/// | [`tenants`](Self::tenants) | off | how the limit is shared by any number of tenants |
/// | [`reader_idle`](Self::reader_idle) | 30 s | how long a response that is not read keeps its slot when others find none |
/// | [`mode`](Self::mode) | [`Mode::Enforce`] | whether its rejections are enforced |
///
/// The setters check nothing; [`Bulkhead::new`](super::Bulkhead::new) [checks](Self::check) the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkheadConfig {
    pub(super) limit: u32,
    pub(super) queue: QueueConfig,
    pub(super) reader_idle: Option<Duration>,
    pub(super) mode: Mode,
    pub(super) partitions: Option<PartitionsConfig>,
    pub(super) tenants: Option<TenantsConfig>,
    /// Whether this is the gate of a shedder, whose fields have other names in errors.
    pub(super) shares: Option<SharesConfig>,
}

impl Default for BulkheadConfig {
    fn default() -> Self {
        Self {
            limit: 64,
            queue: QueueConfig::default()
                .capacity(0)
                .max_wait(Duration::from_millis(100)),
            reader_idle: Some(Duration::from_secs(30)),
            mode: Mode::Enforce,
            partitions: None,
            tenants: None,
            shares: None,
        }
    }
}

impl BulkheadConfig {
    /// The highest limit.
    pub const MAX_LIMIT: u32 = 1_000_000;

    const LEAST_READER_IDLE: Duration = Duration::from_millis(1);

    /// The number of calls that may be in flight at once.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// The number of calls that may wait for a slot. With 0, a call that finds no free slot is rejected at once.
    #[must_use]
    pub fn queue(mut self, capacity: usize) -> Self {
        self.queue = self.queue.capacity(capacity);
        self
    }

    /// The longest wait, for a slot and then for the service to become ready. `None` leaves that to deadlines; a call
    /// without a deadline then waits without bound.
    #[must_use]
    pub fn max_wait(mut self, max_wait: impl Into<Option<Duration>>) -> Self {
        self.queue = self.queue.max_wait(max_wait);
        self
    }

    /// Which waiter of the same criticality is admitted first.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.queue = self.queue.order(order);
        self
    }

    /// Whether more critical calls are admitted before all less critical ones, and replace them in a full queue.
    #[must_use]
    pub fn by_criticality(mut self, by_criticality: bool) -> Self {
        self.queue = self.queue.by_criticality(by_criticality);
        self
    }

    /// Drops requests that waited long once the queue does not drain: for callers with unknown timeouts, where the
    /// [order](Self::order) is [`Order::Fifo`]. `None` does not.
    #[must_use]
    pub fn controlled_delay(mut self, rule: impl Into<Option<ControlledDelay>>) -> Self {
        self.queue = self.queue.controlled_delay(rule);
        self
    }

    /// The time before its deadline by which a call must begin. A request with less time left does not wait, or stops
    /// waiting.
    #[must_use]
    pub fn margin(mut self, margin: Duration) -> Self {
        self.queue = self.queue.margin(margin);
        self
    }

    /// How long a response that is not read keeps its slot when others find none: from its head, or a frame, until its
    /// reader polls for the next. After that the slot goes to another request, and the response goes on without one if
    /// its reader continues. A response that waits for the service keeps its slot. `None` keeps the slot for as long as
    /// the response lives.
    ///
    /// It needs a protocol that [reports](crate::Guard::turn) which side of a body has to make progress, as the HTTP
    /// protocol does.
    #[must_use]
    pub fn reader_idle(mut self, reader_idle: impl Into<Option<Duration>>) -> Self {
        self.reader_idle = reader_idle.into();
        self
    }

    /// Splits the limit into named partitions, each with a guaranteed share; unused slots are lent to the others. Each
    /// has a [queue](Self::queue) of its own. `None` does not distinguish calls.
    ///
    /// Every call then takes its slot under one lock, and a service cannot wait for a slot ahead of its call.
    #[must_use]
    pub fn partitions(mut self, partitions: impl Into<Option<PartitionsConfig>>) -> Self {
        self.partitions = partitions.into();
        self
    }

    /// Shares the limit and the queue by tenant, for up to millions of tenants: a tenant with very many requests leaves
    /// the others their share. `None` does not distinguish tenants.
    ///
    /// Every call then takes its slot under one lock, and a service cannot wait for a slot ahead of its call.
    #[must_use]
    pub fn tenants(mut self, tenants: impl Into<Option<TenantsConfig>>) -> Self {
        self.tenants = tenants.into();
        self
    }

    /// The guaranteed share of the limit for each criticality.
    pub(crate) fn shares(mut self, shares: Option<SharesConfig>) -> Self {
        self.shares = shares;
        self
    }

    /// Whether calls are counted by owner.
    pub(super) fn is_shared(&self) -> bool {
        self.partitions.is_some() || self.tenants.is_some() || self.shares.is_some()
    }

    /// Whether calls may take slots without the lock: not where calls are counted by owner, nor where none are counted.
    pub(super) fn is_striped(&self) -> bool {
        !self.is_shared() && self.mode != Mode::Off
    }

    /// Whether the bulkhead's rejections are enforced. Where they are not, calls do not wait either.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Rejects invalid values: the first field that is out of range, with its value and bound.
    ///
    /// # Errors
    ///
    /// A limit of 0 or above [`MAX_LIMIT`](Self::MAX_LIMIT); a `reader_idle` below 1 ms or above a year; of the queue
    /// what [`QueueConfig::check`] rejects, its capacity is called `queue` here; what [`PartitionsConfig::check`] and
    /// [`TenantsConfig::check`] reject; a share of a partition that comes to less than one slot of the limit;
    /// partitions and tenants at once; queues that together are longer than one may be.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(1..=Self::MAX_LIMIT).contains(&self.limit) {
            let bound = format!("from 1 to {}", Self::MAX_LIMIT);
            return Err(ConfigError::new("limit", self.limit, bound));
        }
        self.queue.check().map_err(|error| match error.field() {
            "capacity" => error.of("queue"),
            _ => error,
        })?;
        if let Some(reader_idle) = self.reader_idle
            && (reader_idle < Self::LEAST_READER_IDLE || reader_idle > Deadline::FURTHEST)
        {
            let value = format_args!("{reader_idle:?}");
            let bound = "from 1 ms to a year";
            return Err(ConfigError::new("reader_idle", value, bound));
        }
        if let Some(partitions) = &self.partitions {
            partitions.check()?;
            partitions.check_limit(u64::from(self.limit))?;
            let queues = partitions.len() + 1;
            if self.queue.capacity * queues > QueueConfig::MAX_CAPACITY {
                let value = format_args!("{} in each of {queues}", self.queue.capacity);
                let bound = format!("at most {} in all", QueueConfig::MAX_CAPACITY);
                return Err(ConfigError::new("queue", value, bound));
            }
        }
        let Some(tenants) = &self.tenants else {
            return Ok(());
        };
        if self.partitions.is_some() {
            let bound = "off beside partitions, as a call has one key";
            return Err(ConfigError::new("tenants", "on", bound));
        }
        tenants.check()
    }
}
