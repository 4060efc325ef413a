//! The bulkhead: how many calls may be under way at once, who waits for one of them to end, and who is told at
//! once that there is no room.
//!
//! A place is a token, and there are exactly as many tokens as places: in the hands of calls, or in stock. As long
//! as there is room, the stock lies in stripes, one for each processor, so that a call takes a token and gives it
//! back without waiting for another. Once a call finds none there, the stripes are closed, all tokens are gathered
//! under a lock, and everything goes through it until there is room again. So the limit is never exceeded, and nobody
//! is refused or kept waiting while there is a token anywhere.

mod admit;
mod claim;
mod config;
mod flags;
mod place;
mod release;
mod sharing;
mod snapshot;
mod stock;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use admit::{Admission, Permit};
pub use config::BulkheadConfig;
pub use place::{Place, Verdict};
pub use snapshot::BulkheadSnapshot;
pub use stock::Stripe;

use self::claim::Waiting;
use self::flags::Flags;
use self::place::Waiter;
use self::sharing::Sharing;
use self::stock::Stock;
use crate::ConfigError;
use crate::queue::{QueueConfig, WaitQueue};
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock};

/// A limit of calls under way, without the calls. See the [module docs](self).
///
/// ```
/// use std::time::{Duration, Instant};
/// use buttress_core::bulkhead::{Admission, Bulkhead, BulkheadConfig};
/// use buttress_core::queue::Terms;
/// use buttress_core::Reason;
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// let now = Instant::now();
/// let bulkhead = Bulkhead::new(BulkheadConfig::default().limit(1), now)?;
/// let acquire = || bulkhead.acquire(|| 0, Terms::default, || now);
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
    stock: Stock,
    locked: Mutex<Locked>,
}

/// All that takes more than one step.
#[derive(Debug)]
struct Locked {
    config: BulkheadConfig,
    /// The stripes are closed, because places are short, or kept under the lock for as long as the configuration says.
    saturated: bool,
    /// The tokens that are neither with calls nor in the stripes. Below 0, so many must come back before anybody
    /// is admitted: after a limit was lowered, or where refusals did not bind.
    free: i64,
    queue: WaitQueue<Waiting>,
    /// Who asks for a place ahead of a call, and waits for as long as it takes.
    readiness: WaitQueue<Arc<Waiter>>,
    /// Whose turn it is, where somebody waits in both.
    turn: Turn,
    sharing: Sharing,
    seed: u64,
}

/// Those who wait ahead of a call and those who wait with one are let in by turns, so that neither of them has to wait
/// for as long as others come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Turn {
    #[default]
    Queue,
    Readiness,
}

impl Bulkhead {
    /// A bulkhead with nobody in it.
    ///
    /// # Errors
    ///
    /// What [`BulkheadConfig::check`] refuses.
    pub fn new(config: BulkheadConfig, now: Instant) -> Result<Self, ConfigError> {
        Self::with_seed(config, 0, now)
    }

    /// The same. The `seed` keeps those who choose the names of [tenants](BulkheadConfig::tenants) from making them
    /// look alike.
    ///
    /// # Errors
    ///
    /// What [`BulkheadConfig::check`] refuses.
    pub fn with_seed(config: BulkheadConfig, seed: u64, now: Instant) -> Result<Self, ConfigError> {
        config.check()?;
        let readiness = QueueConfig::default()
            .capacity(QueueConfig::MAX_CAPACITY)
            .order(crate::queue::Order::Fifo);
        let queue = WaitQueue::new(config.queue.clone(), now)?;
        let mut sharing = Sharing::default();
        sharing.reconfigure(&config, seed, &queue, now)?;
        let stock = Stock::new();
        if !config.is_striped() {
            stock.close();
        }
        Ok(Self {
            flags: AtomicU64::new(Flags::new(&config).0),
            stock,
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

    /// How long a response that nobody reads keeps its place when others find none. To see to that is the shell's.
    pub fn reader_idle(&self) -> Option<Duration> {
        self.lock().config.reader_idle
    }

    /// Takes a new configuration. Calls under way stay, and so does whoever waits. Below what is under way, a limit
    /// admits nobody until enough of it has ended; raised, it lets in as many as it was raised by.
    ///
    /// # Errors
    ///
    /// What [`BulkheadConfig::check`] refuses; then nothing changes.
    pub fn reconfigure(&self, config: BulkheadConfig, now: Instant) -> Result<(), ConfigError> {
        self.adopt(config, now)?;
        self.let_in(now);
        Ok(())
    }

    /// The same, without a word to whoever may be let in by it: to wake is somebody else's code, for which a caller with a
    /// lock of its own has to [let go](Self::let_in) of that.
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
        // All tokens at hand, none can be taken beside the new limit.
        self.gather(&mut locked);
        locked.free += i64::from(config.limit) - i64::from(locked.config.limit);
        self.flags.store(Flags::new(&config).0, Ordering::Relaxed);
        locked.config = config;
        Ok(())
    }

    /// Lets in whoever can be let in since the configuration changed.
    pub(crate) fn let_in(&self, now: Instant) {
        self.serve(self.lock(), now);
    }

    fn flags(&self) -> Flags {
        Flags(self.flags.load(Ordering::Relaxed))
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        lock(&self.locked)
    }
}
