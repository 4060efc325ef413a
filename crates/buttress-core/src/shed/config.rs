use std::time::Duration;

use crate::bulkhead::BulkheadConfig;
use crate::limit::LimitConfig;
use crate::queue::{ControlledDelay, Order};
use crate::shares::{SharesConfig, TenantsConfig};
use crate::{ConfigError, Mode, PressureConfig, ThrottleConfig};

/// The configuration of a shedder.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`limit`](Self::limit) | [`LimitConfig::guarded`] | calls in flight, adaptive or fixed |
/// | [`queue`](Self::queue) | 64 | how many calls may wait for a slot; with 0 none does |
/// | [`max_wait`](Self::max_wait) | 125 ms | the longest wait, for a slot and then for the service to become ready; a nearer deadline ends it sooner |
/// | [`order`](Self::order) | [`Order::AdaptiveLifo`] after 25 ms | which waiter of the same criticality is admitted first |
/// | [`by_criticality`](Self::by_criticality) | yes | more critical calls go first |
/// | [`controlled_delay`](Self::controlled_delay) | off | drops requests that waited long in a queue that does not drain |
/// | [`shares`](Self::shares) | off | the guaranteed share of the limit for each criticality |
/// | [`tenants`](Self::tenants) | off | how the limit is shared by tenants |
/// | [`margin`](Self::margin) | measured | how long before its deadline a call must begin |
/// | [`throttle`](Self::throttle) | off | for clients: sends no more than twice what is accepted |
/// | [`pressure`](Self::pressure) | off | rejects when memory or processor time is short |
/// | [`mode`](Self::mode) | [`Mode::Enforce`] | whether its rejections are enforced |
///
/// The setters check nothing; [`Shed::new`](super::Shed::new) [checks](Self::check) the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct ShedConfig {
    pub(super) limit: Option<LimitConfig>,
    pub(super) queue: usize,
    pub(super) max_wait: Option<Duration>,
    pub(super) order: Order,
    pub(super) by_criticality: bool,
    pub(super) controlled_delay: Option<ControlledDelay>,
    pub(super) shares: Option<SharesConfig>,
    pub(super) tenants: Option<TenantsConfig>,
    pub(super) margin: Option<Duration>,
    pub(super) throttle: Option<ThrottleConfig>,
    pub(super) pressure: PressureConfig,
    pub(super) mode: Mode,
}

impl Default for ShedConfig {
    fn default() -> Self {
        Self {
            limit: Some(LimitConfig::guarded()),
            queue: 64,
            max_wait: Some(Duration::from_millis(125)),
            order: Order::AdaptiveLifo {
                congested_after: Duration::from_millis(25),
            },
            by_criticality: true,
            controlled_delay: None,
            shares: None,
            tenants: None,
            margin: None,
            throttle: None,
            pressure: PressureConfig::default(),
            mode: Mode::Enforce,
        }
    }
}

impl ShedConfig {
    /// The limit on calls in flight: a number, or a rule that adapts it.
    #[must_use]
    pub fn limit(mut self, limit: impl Into<LimitConfig>) -> Self {
        self.limit = Some(limit.into());
        self
    }

    /// No limit on calls in flight: for a shedder that only throttles a client, or only uses memory pressure.
    #[must_use]
    pub fn no_limit(mut self) -> Self {
        self.limit = None;
        self
    }

    /// The number of calls that may wait for a slot. With 0, a call that finds no free slot is rejected at once.
    #[must_use]
    pub fn queue(mut self, capacity: usize) -> Self {
        self.queue = capacity;
        self
    }

    /// The longest wait, for a slot and then for the service to become ready. `None` leaves that to deadlines; a call
    /// without a deadline then waits without bound.
    #[must_use]
    pub fn max_wait(mut self, max_wait: impl Into<Option<Duration>>) -> Self {
        self.max_wait = max_wait.into();
        self
    }

    /// Which waiter of the same criticality is admitted first.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Whether more critical calls are admitted before all less critical ones, and replace them in a full queue.
    #[must_use]
    pub fn by_criticality(mut self, by_criticality: bool) -> Self {
        self.by_criticality = by_criticality;
        self
    }

    /// Drops requests that waited long once the queue does not drain: for callers with unknown timeouts, where the
    /// [order](Self::order) is [`Order::Fifo`]. `None` does not.
    #[must_use]
    pub fn controlled_delay(mut self, rule: impl Into<Option<ControlledDelay>>) -> Self {
        self.controlled_delay = rule.into();
        self
    }

    /// The guaranteed share of the limit for each criticality, whatever the load of more critical calls. With `None`,
    /// the default, more critical calls may use the whole limit. With shares the queue goes [by
    /// criticality](Self::by_criticality) in any case, and every call takes its slot under one lock.
    #[must_use]
    pub fn shares(mut self, shares: impl Into<Option<SharesConfig>>) -> Self {
        self.shares = shares.into();
        self
    }

    /// How the limit and the queue are shared by tenants, so that one tenant with very many requests leaves the others
    /// their share. `None`, the default, does not distinguish tenants.
    #[must_use]
    pub fn tenants(mut self, tenants: impl Into<Option<TenantsConfig>>) -> Self {
        self.tenants = tenants.into();
        self
    }

    /// How long before its deadline a call must begin. `None`, the default, measures it: 2.3 times the mean latency,
    /// which is the 90th percentile of an exponential distribution.
    #[must_use]
    pub fn margin(mut self, margin: impl Into<Option<Duration>>) -> Self {
        self.margin = margin.into();
        self
    }

    /// For clients: limits the rate of calls to a dependency that rejects many of them. `None`, the default, does not.
    #[must_use]
    pub fn throttle(mut self, throttle: impl Into<Option<ThrottleConfig>>) -> Self {
        self.throttle = throttle.into();
        self
    }

    /// The thresholds of memory and processor pressure, and the criticality each rejects.
    #[must_use]
    pub fn pressure(mut self, pressure: PressureConfig) -> Self {
        self.pressure = pressure;
        self
    }

    /// Whether the shedder's rejections are enforced. Where they are not, calls do not wait either.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Rejects invalid values: the first field that is out of range, with its value and bound.
    ///
    /// # Errors
    ///
    /// What [`LimitConfig::check`], [`QueueConfig::check`](crate::queue::QueueConfig::check), [`SharesConfig::check`],
    /// [`TenantsConfig::check`], [`ThrottleConfig::check`] and [`PressureConfig::check`] reject; the capacity of the
    /// queue is called `queue` here.
    pub fn check(&self) -> Result<(), ConfigError> {
        if let Some(limit) = &self.limit {
            limit.check()?;
        }
        self.gate(1, Duration::ZERO).check()?;
        if let Some(shares) = &self.shares {
            shares.check()?;
        }
        if let Some(tenants) = &self.tenants {
            tenants.check()?;
        }
        if let Some(throttle) = &self.throttle {
            throttle.check()?;
        }
        self.pressure.check()
    }

    /// The slots and the queue for them, at a limit, with a margin where none is configured.
    pub(super) fn gate(&self, limit: u64, learnt: Duration) -> BulkheadConfig {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        BulkheadConfig::default()
            .limit(limit.clamp(1, BulkheadConfig::MAX_LIMIT))
            .queue(self.queue)
            .max_wait(self.max_wait)
            .order(self.order)
            // Waiters below their share are found by their criticality.
            .by_criticality(self.by_criticality || self.shares.is_some())
            .controlled_delay(self.controlled_delay)
            .margin(self.margin.unwrap_or(learnt))
            .shares(self.shares)
            .mode(self.mode)
    }

    /// The rule for the limit. Without one it is the highest limit, and calls are still counted.
    pub(super) fn limiting(&self) -> LimitConfig {
        let highest = LimitConfig::fixed(BulkheadConfig::MAX_LIMIT);
        self.limit.clone().unwrap_or(highest)
    }
}
