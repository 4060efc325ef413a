//! The circuit: when to admit, when to reject, and what moves it.
//!
//! ```text
//!              too many failures or slow calls
//!    closed ──────────────────────────────────▶ open ◀───────────┐
//!      ▲ ▲                                       │               │
//!      │ │ ramp done                   open time │ over          │ probes failed,
//!      │ └──────────── recovering ◀──┐           ▼               │ or none ended
//!      │                     │       └─────── half-open ─────────┤
//!      └─────────────────────┼── probes passed ──┘               │
//!                            └── too many failures ──────────────┘
//! ```
//!
//! Every period between two of these steps is an epoch, except that closing at the end of a ramp keeps the epoch. A
//! permit carries the epoch it was granted in, and the result of its call is recorded in that epoch only. Isolation
//! overrides all of it: while an operator holds the circuit open, no call is admitted, and calls in flight are recorded
//! as usual.

mod admit;
mod config;
mod control;
mod evidence;
mod failure_streak;
mod open_duration;
mod packed_state;
mod permit;
mod probes;
mod reserve;
mod settle;
mod snapshot;
mod state;
mod steps;
mod typical_latency;

use std::time::Instant;

pub use config::BreakerConfig;
pub use open_duration::OpenDuration;
pub use permit::{Admission, Permit, Refusal, Settlement};
pub use reserve::{Readiness, Reservation};
pub use snapshot::CircuitSnapshot;
pub use state::{Cause, CircuitState, Transition};

use self::failure_streak::FailureStreak;
use self::packed_state::PackedState;
use self::steps::Locked;
use self::typical_latency::TypicalLatency;
use crate::ConfigError;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock};
use crate::time::Origin;
use crate::window::Successes;

/// A circuit breaker, without the calls: it decides whether a call is admitted, and records its result.
///
/// A call in a closed circuit that succeeds in time takes no lock and writes to no memory that another
/// processor writes to. Everything else takes one short lock.
///
/// ```
/// use std::time::{Duration, Instant};
/// use buttress_core::circuit::{BreakerConfig, Circuit, CircuitState};
/// use buttress_core::{FailureKind, Report};
///
/// # fn main() -> Result<(), buttress_core::ConfigError> {
/// let mut now = Instant::now();
/// let random = || 0;
/// let circuit = Circuit::new(BreakerConfig::default().consecutive_failures(2), now)?;
///
/// for _ in 0..2 {
///     let permit = circuit.admit(now, random).verdict.expect("closed");
///     circuit.settle(permit, Report::failure(FailureKind::Error), now, random);
/// }
/// assert_eq!(circuit.state(), CircuitState::Open);
/// let refusal = circuit.admit(now, random).verdict.expect_err("open");
/// assert_eq!(refusal.retry_after, Some(Duration::from_millis(250)));
///
/// now += Duration::from_millis(250);
/// let probe = circuit.admit(now, random).verdict.expect("half-open");
/// circuit.settle(probe, Report::SUCCESS, now, random);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Circuit {
    origin: Origin,
    hot: Hot,
    successes: Successes,
    row: FailureStreak,
    typical_latency: TypicalLatency,
    /// All other state. The words in `hot` change under this lock only.
    locked: Mutex<Locked>,
}

/// State that every call reads and only a transition writes, on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Hot {
    word: AtomicU64,
    /// Until when an open circuit stays open.
    open_until: AtomicU64,
    /// Above how many nanoseconds a call is slow.
    slow_above: AtomicU64,
}

impl Circuit {
    /// A closed circuit whose clock starts `now`.
    ///
    /// # Errors
    ///
    /// What [`BreakerConfig::check`] rejects.
    pub fn new(config: BreakerConfig, now: Instant) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            origin: Origin::new(now),
            hot: Hot {
                word: AtomicU64::new(PackedState::new(config.mode).0),
                open_until: AtomicU64::new(0),
                slow_above: AtomicU64::new(config.slow_above()),
            },
            successes: Successes::new(config.window),
            row: FailureStreak::default(),
            typical_latency: TypicalLatency::default(),
            locked: Mutex::new(Locked::new(config)),
        })
    }

    /// The state of the circuit, as of the last call: the end of the open time shows on the next admission.
    pub fn state(&self) -> CircuitState {
        self.word().state()
    }

    #[inline]
    fn word(&self) -> PackedState {
        PackedState(self.hot.word.load(Ordering::Acquire))
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        lock(&self.locked)
    }
}
