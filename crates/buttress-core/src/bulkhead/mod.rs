//! The bulkhead: limits the calls in flight, queues calls up to a capacity, and rejects the others at once.
//!
//! A slot is a token, and there are exactly as many tokens as slots: held by calls, or free. While there is room, the
//! free tokens are in stripes, one for each processor, so that a call takes a token and returns it without contention.
//! Once a call finds no token, the stripes are closed, all tokens are collected under a lock, and every call takes the
//! lock until there is room again. So the limit is never exceeded, and no call is rejected or kept waiting while a
//! token is free anywhere.

mod admit;
mod config;
mod flags;
mod owner;
mod release;
mod sharing;
mod snapshot;
mod token_pool;
mod waiter;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use admit::{Admission, Permit};
pub use config::BulkheadConfig;
pub use snapshot::BulkheadSnapshot;
pub use token_pool::Stripe;
pub use waiter::{Verdict, Waiter};

use self::flags::Flags;
use self::owner::Waiting;
use self::sharing::Sharing;
use self::token_pool::TokenPool;
use self::waiter::WaitCell;
use crate::ConfigError;
use crate::queue::{QueueConfig, WaitQueue};
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock};

/// A limit on calls in flight, without the calls. See the [module docs](self).
///
/// ```
/// use std::time::{Duration, Instant};
/// use buttress_core::bulkhead::{Admission, Bulkhead, BulkheadConfig};
/// use buttress_core::queue::WaitParams;
/// use buttress_core::Reason;
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// let now = Instant::now();
/// let bulkhead = Bulkhead::new(BulkheadConfig::default().limit(1), now)?;
/// let acquire = || bulkhead.acquire(|| 0, WaitParams::default, || now);
///
/// let Admission::Admitted { permit, .. } = acquire() else {
///     panic!("there is room");
/// };
/// assert!(matches!(acquire(), Admission::Rejected(Reason::BulkheadFull)));
/// bulkhead.release(permit, || now);
/// assert!(matches!(acquire(), Admission::Admitted { .. }));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Bulkhead {
    flags: AtomicU64,
    tokens: TokenPool,
    locked: Mutex<Locked>,
}

/// The state under the lock.
#[derive(Debug)]
struct Locked {
    config: BulkheadConfig,
    /// The stripes are closed, because slots are short, or kept under the lock for as long as the configuration says.
    saturated: bool,
    /// The tokens that are neither held by calls nor in the stripes. Below 0, that many must come back before a call is
    /// admitted: after a limit was lowered, or where rejections are not enforced.
    free: i64,
    queue: WaitQueue<Waiting>,
    /// The waiters ahead of a call, without a bound on their wait.
    readiness: WaitQueue<Arc<WaitCell>>,
    /// Which of the two queues is next, where both have waiters.
    turn: Turn,
    sharing: Sharing,
    seed: u64,
}

/// The waiters ahead of a call and those with a call are admitted in turn, so that neither queue starves the other.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Turn {
    #[default]
    Queue,
    Readiness,
}

impl Bulkhead {
    /// An empty bulkhead.
    ///
    /// # Errors
    ///
    /// What [`BulkheadConfig::check`] rejects.
    pub fn new(config: BulkheadConfig, now: Instant) -> Result<Self, ConfigError> {
        Self::with_seed(config, 0, now)
    }

    /// Like [`new`](Self::new), with a `seed`, which keeps callers that choose the names of
    /// [tenants](BulkheadConfig::tenants) from producing collisions on purpose.
    ///
    /// # Errors
    ///
    /// What [`BulkheadConfig::check`] rejects.
    pub fn with_seed(config: BulkheadConfig, seed: u64, now: Instant) -> Result<Self, ConfigError> {
        config.check()?;
        let readiness = QueueConfig::default()
            .capacity(QueueConfig::MAX_CAPACITY)
            .order(crate::queue::Order::Fifo);
        let queue = WaitQueue::new(config.queue.clone(), now)?;
        let mut sharing = Sharing::default();
        sharing.reconfigure(&config, seed, &queue, now)?;
        let tokens = TokenPool::new();
        if !config.is_striped() {
            tokens.close();
        }
        Ok(Self {
            flags: AtomicU64::new(Flags::new(&config).0),
            tokens,
            locked: Mutex::new(Locked {
                saturated: !config.is_striped(),
                free: i64::from(config.limit),
                queue,
                readiness: WaitQueue::new(readiness, now)?,
                turn: Turn::default(),
                sharing,
                seed,
                config,
            }),
        })
    }

    /// The configuration in force.
    pub fn config(&self) -> BulkheadConfig {
        self.lock().config.clone()
    }

    /// The number of calls that may be in flight.
    pub fn limit(&self) -> u32 {
        self.lock().config.limit
    }

    /// How long a response that is not read keeps its slot when others find none. The shell enforces it.
    pub fn reader_idle(&self) -> Option<Duration> {
        self.lock().config.reader_idle
    }

    /// Takes a new configuration. Calls in flight and waiters stay. If the limit is lowered below the number in flight,
    /// no call is admitted until enough of them have ended; if it is raised, waiters are admitted.
    ///
    /// # Errors
    ///
    /// What [`BulkheadConfig::check`] rejects; then nothing changes.
    pub fn reconfigure(&self, config: BulkheadConfig, now: Instant) -> Result<(), ConfigError> {
        self.adopt(config, now)?;
        self.admit_waiters(now);
        Ok(())
    }

    /// Like `reconfigure`, but does not wake waiters. Wakers run foreign code, so a caller that holds its own lock must
    /// release it before [`admit_waiters`](Self::admit_waiters).
    pub(crate) fn adopt(&self, config: BulkheadConfig, now: Instant) -> Result<(), ConfigError> {
        config.check()?;
        let mut locked = self.lock();
        let Locked {
            queue,
            sharing,
            seed,
            ..
        } = &mut *locked;
        sharing.reconfigure(&config, *seed, queue, now)?;
        queue.reconfigure(config.queue.clone())?;
        // With all tokens under the lock, no call can take one beyond the new limit.
        self.lock_all(&mut locked);
        locked.free += i64::from(config.limit) - i64::from(locked.config.limit);
        self.flags.store(Flags::new(&config).0, Ordering::Relaxed);
        locked.config = config;
        Ok(())
    }

    /// Admits the waiters that fit since the configuration changed.
    pub(crate) fn admit_waiters(&self, now: Instant) {
        self.serve(self.lock(), now);
    }

    fn flags(&self) -> Flags {
        Flags(self.flags.load(Ordering::Relaxed))
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        lock(&self.locked)
    }
}
