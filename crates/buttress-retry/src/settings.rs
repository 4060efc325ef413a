use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use buttress_core::{Mode, Ratio};

use crate::RetryConfig;

/// The configuration in force: what every call reads in atomics that only a new configuration writes, the rest
/// behind a lock for the calls that fail.
#[derive(Debug)]
pub(crate) struct Settings {
    share: Share,
    /// Whether the mode binds every call and attempts have no timeout, in a word that is quick to ask.
    is_plain: AtomicBool,
    /// In nanoseconds; or [`NONE`].
    attempt_timeout: AtomicU64,
    replay_limit: AtomicUsize,
    /// Whether a call may have more than one attempt.
    tries_again: AtomicBool,
    /// What the others were read from.
    config: Mutex<RetryConfig>,
}

impl Settings {
    pub(crate) fn new(config: RetryConfig) -> Self {
        Self {
            share: Share::new(config.mode),
            is_plain: AtomicBool::new(is_plain(&config)),
            attempt_timeout: AtomicU64::new(nanos_of(config.attempt_timeout)),
            replay_limit: AtomicUsize::new(config.replay_limit),
            tries_again: AtomicBool::new(config.rule.attempts > 1),
            config: Mutex::new(config),
        }
    }

    /// A call in flight may use parts of the old configuration and parts of the new.
    pub(crate) fn replace(&self, config: RetryConfig) {
        let mut current = self.lock();
        self.share.set(config.mode);
        self.is_plain.store(is_plain(&config), Ordering::Relaxed);
        let timeout = nanos_of(config.attempt_timeout);
        self.attempt_timeout.store(timeout, Ordering::Relaxed);
        self.replay_limit
            .store(config.replay_limit, Ordering::Relaxed);
        self.tries_again
            .store(config.rule.attempts > 1, Ordering::Relaxed);
        *current = config;
    }

    pub(crate) fn config(&self) -> RetryConfig {
        self.lock().clone()
    }

    pub(crate) fn mode(&self) -> Mode {
        self.share.mode()
    }

    /// Whether there is neither a mode nor a timeout to consider.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain.load(Ordering::Relaxed)
    }

    /// By when an attempt must have ended that begins `now`.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        match self.attempt_timeout.load(Ordering::Relaxed) {
            NONE => None,
            nanos => now.checked_add(Duration::from_nanos(nanos)),
        }
    }

    #[inline]
    pub(crate) fn replay_limit(&self) -> usize {
        self.replay_limit.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn tries_again(&self) -> bool {
        self.tries_again.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, RetryConfig> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A mode that many threads read: the share of calls that it binds, as the bits of a float, or [`OFF`].
#[derive(Debug)]
pub(crate) struct Share(AtomicU64);

impl Share {
    pub(crate) fn new(mode: Mode) -> Self {
        Self(AtomicU64::new(share_of(mode)))
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.0.store(share_of(mode), Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn mode(&self) -> Mode {
        match self.0.load(Ordering::Relaxed) {
            ALL => Mode::Enforce,
            OFF => Mode::Off,
            NO_CALLS => Mode::Shadow,
            bits => Ratio::new(f64::from_bits(bits)).map_or(Mode::Shadow, Mode::EnforceFor),
        }
    }
}

fn is_plain(config: &RetryConfig) -> bool {
    config.mode == Mode::Enforce && config.attempt_timeout.is_none()
}

fn share_of(mode: Mode) -> u64 {
    match mode {
        Mode::Off => OFF,
        Mode::Shadow => NO_CALLS,
        Mode::Enforce => ALL,
        Mode::EnforceFor(share) => share.get().to_bits(),
    }
}

/// A configuration that passed its check has no timeout of centuries.
fn nanos_of(timeout: Option<Duration>) -> u64 {
    timeout.map_or(NONE, |timeout| {
        u64::try_from(timeout.as_nanos()).unwrap_or(NONE)
    })
}

const ALL: u64 = 1_f64.to_bits();
const NO_CALLS: u64 = 0_f64.to_bits();
const OFF: u64 = u64::MAX;
const NONE: u64 = u64::MAX;
