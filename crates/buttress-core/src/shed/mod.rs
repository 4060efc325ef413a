//! The shedder: admits calls up to the capacity, the most critical first, and rejects the others at once.
//!
//! It combines independent rules: an adaptive [limit], a [queue](crate::queue) by criticality and deadline, a
//! [throttle](crate::Throttle) for clients, and thresholds for [memory and processor pressure](crate::Pressure). A call
//! is checked in this order: memory and processors, throttle, tenant, slot, queue.

mod admit;
mod call;
mod config;
mod hints;
mod settle;
mod sharing;
mod snapshot;
mod wait;

use std::time::Instant;

pub use call::{Admission, Call, Permit, Refusal, Waiter};
pub use config::ShedConfig;
pub use snapshot::ShedSnapshot;

use self::hints::Hints;
use self::sharing::Sharing;
use crate::bulkhead::{self, Bulkhead};
use crate::limit::{self, Limit};
use crate::shares::Tenant;
use crate::sync::{AtomicU64, Mutex, Ordering, lock};
use crate::{ConfigError, Criticality, Mode, Pressure, Throttle};

/// A shedder, without the calls: it decides which calls are admitted, and records their results.
///
/// ```
/// use std::time::Instant;
/// use buttress_core::{Report, Reason};
/// use buttress_core::shed::{Admission, Call, Shed, ShedConfig};
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// let now = Instant::now();
/// let shed = Shed::new(ShedConfig::default().limit(1).queue(0), 7, now)?;
/// let ask = || shed.admit(Call::default(), || 0, || now);
///
/// let Admission::Admitted { mut permit, .. } = ask() else { panic!("there is room") };
/// let Admission::Rejected(refusal) = ask() else { panic!("there is none") };
/// assert_eq!(refusal.reason, Reason::LimitReached);
///
/// shed.settle(&mut permit, Report::SUCCESS, || now);
/// shed.release(permit, || now);
/// assert!(matches!(ask(), Admission::Admitted { .. }));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Shed {
    hot: Hot,
    counts: Counts,
    hints: Hints,
    gate: Bulkhead,
    limit: Limit,
    throttle: Throttle,
    /// How much of the limit each tenant has, where tenants are counted.
    sharing: Mutex<Sharing>,
    /// The configuration, and the current one of the gate, which is reconfigured under this lock only.
    locked: Mutex<Locked>,
}

/// State that every call reads, and that changes rarely.
#[derive(Debug)]
#[repr(align(128))]
struct Hot {
    flags: AtomicU64,
    /// The [index](Criticality::index) of the minimum criticality that is admitted.
    least: AtomicU64,
}

/// Counts that every waiting call writes.
#[derive(Debug)]
#[repr(align(128))]
struct Counts {
    /// By [`Criticality::index`].
    waiting: [AtomicU64; Criticality::COUNT],
}

/// The state of a shedder for the threads that share a stripe.
#[derive(Debug, Clone)]
pub struct Stripe {
    gate: bulkhead::Stripe,
    limit: limit::Stripe,
}

#[derive(Debug)]
struct Locked {
    config: ShedConfig,
    limit: u64,
    margin: std::time::Duration,
}

/// The mode is `Off`.
const OFF: u64 = 1;
/// Rejections may not be enforced.
const LENIENT: u64 = 1 << 1;
/// There is a throttle.
const THROTTLED: u64 = 1 << 2;
/// Memory or processor pressure is measured.
const WATCHED: u64 = 1 << 3;
/// The limit is shared by tenants.
const TENANTED: u64 = 1 << 4;

impl Shed {
    /// A shedder without samples. The `seed` keeps callers that choose the names of tenants from producing collisions
    /// on purpose.
    ///
    /// # Errors
    ///
    /// What [`ShedConfig::check`] rejects.
    pub fn new(config: ShedConfig, seed: u64, now: Instant) -> Result<Self, ConfigError> {
        config.check()?;
        let limit = Limit::new(config.limiting(), now)?;
        let margin = std::time::Duration::ZERO;
        Ok(Self {
            hot: Hot {
                flags: AtomicU64::new(flags(&config)),
                least: AtomicU64::new(0),
            },
            counts: Counts {
                waiting: std::array::from_fn(|_| AtomicU64::new(0)),
            },
            hints: Hints::default(),
            gate: Bulkhead::new(config.gate(limit.limit(), margin), now)?,
            throttle: Throttle::new(config.throttle.unwrap_or_default(), now)?,
            sharing: Mutex::new(Sharing::new(&config, seed)?),
            locked: Mutex::new(Locked {
                limit: limit.limit(),
                margin,
                config,
            }),
            limit,
        })
    }

    /// The configuration in force.
    pub fn config(&self) -> ShedConfig {
        lock(&self.locked).config.clone()
    }

    /// Takes a new configuration. Calls in flight and waiters stay. An adaptive limit keeps its value, within its new
    /// bounds; below the number in flight, no call is admitted until enough of them have ended.
    ///
    /// # Errors
    ///
    /// What [`ShedConfig::check`] rejects; then nothing changes.
    pub fn reconfigure(&self, config: ShedConfig, now: Instant) -> Result<(), ConfigError> {
        config.check()?;
        let mut locked = lock(&self.locked);
        lock(&self.sharing).reconfigure(&config)?;
        match &locked.config.limit {
            // There was no limit whose value could be kept.
            None => self.limit.restart(config.limiting(), now)?,
            before if *before != config.limit => {
                self.limit.reconfigure(config.limiting(), now)?;
            }
            Some(_) => {}
        }
        if let Some(throttle) = config.throttle {
            self.throttle.reconfigure(throttle, now)?;
        }
        locked.limit = self.limit.limit();
        self.gate
            .adopt(config.gate(locked.limit, locked.margin), now)?;
        self.hot.flags.store(flags(&config), Ordering::Relaxed);
        if !config.pressure.is_on() {
            self.hot.least.store(0, Ordering::Relaxed);
        }
        locked.config = config;
        drop(locked);
        self.gate.admit_waiters(now);
        Ok(())
    }

    /// The tenant of that name, if tenants are distinguished. The name is evaluated only then.
    #[inline]
    pub fn tenant<N: AsRef<[u8]>>(&self, name: impl FnOnce() -> Option<N>) -> Option<Tenant> {
        if self.flags() & TENANTED == 0 {
            return None;
        }
        let name = name()?;
        lock(&self.sharing).tenant(name.as_ref())
    }

    /// Whether memory or processor pressure is configured, so that [`update_pressure`](Self::update_pressure) must be
    /// called.
    #[inline]
    pub fn is_watched(&self) -> bool {
        self.flags() & WATCHED != 0
    }

    /// The number of calls that may be in flight.
    pub fn limit(&self) -> u64 {
        self.limit.limit()
    }

    /// The minimum criticality that is admitted, under memory or processor pressure.
    pub fn least(&self) -> Criticality {
        let least = self.hot.least.load(Ordering::Relaxed) as usize;
        Criticality::ALL[least.min(Criticality::COUNT - 1)]
    }

    /// Records the measured pressure. Returns the minimum criticality that is now admitted.
    pub fn update_pressure(&self, pressure: Pressure) -> Criticality {
        let locked = lock(&self.locked);
        let least = locked.config.pressure.least(pressure);
        self.hot
            .least
            .store(least.index() as u64, Ordering::Relaxed);
        least
    }

    #[inline]
    fn flags(&self) -> u64 {
        self.hot.flags.load(Ordering::Relaxed)
    }
}

fn flags(config: &ShedConfig) -> u64 {
    let mode = match config.mode {
        Mode::Off => OFF | LENIENT,
        Mode::Shadow | Mode::EnforceFor(_) => LENIENT,
        Mode::Enforce => 0,
    };
    let throttled = if config.throttle.is_some() {
        THROTTLED
    } else {
        0
    };
    let watched = if config.pressure.is_on() { WATCHED } else { 0 };
    let tenanted = if config.tenants.is_some() {
        TENANTED
    } else {
        0
    };
    mode | throttled | watched | tenanted
}
