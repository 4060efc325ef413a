use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use buttress_core::{Mode, Ratio};

use crate::RetryConfig;

/// The configuration. What each call reads is in atomics that only a new configuration writes; the rest is behind a
/// lock, for calls that fail.
#[derive(Debug)]
pub(crate) struct Settings {
    share: Share,
    /// Whether the mode is `Enforce` and attempts have no timeout, in one word that is cheap to read.
    is_plain: AtomicBool,
    /// In nanoseconds, or [`NONE`].
    attempt_timeout: AtomicU64,
    replay_limit: AtomicUsize,
    /// Whether a call may have more than one attempt.
    allows_retries: AtomicBool,
    /// The configuration from which the other fields are derived.
    config: Mutex<RetryConfig>,
}

impl Settings {
    pub(crate) fn new(config: RetryConfig) -> Self {
        Self {
            share: Share::new(config.mode),
            is_plain: AtomicBool::new(is_plain(&config)),
            attempt_timeout: AtomicU64::new(nanos_of(config.attempt_timeout)),
            replay_limit: AtomicUsize::new(config.replay_limit),
            allows_retries: AtomicBool::new(config.rule.attempts > 1),
            config: Mutex::new(config),
        }
    }

    /// Replaces the configuration. A call in flight may read a part of the old one and a part of the new.
    pub(crate) fn replace(&self, config: RetryConfig) {
        let mut current = self.lock();
        self.share.set(config.mode);
        self.is_plain.store(is_plain(&config), Ordering::Relaxed);
        let timeout = nanos_of(config.attempt_timeout);
        self.attempt_timeout.store(timeout, Ordering::Relaxed);
        self.replay_limit
            .store(config.replay_limit, Ordering::Relaxed);
        self.allows_retries
            .store(config.rule.attempts > 1, Ordering::Relaxed);
        *current = config;
    }

    pub(crate) fn config(&self) -> RetryConfig {
        self.lock().clone()
    }

    pub(crate) fn mode(&self) -> Mode {
        self.share.mode()
    }

    /// Whether neither mode nor timeout needs to be checked.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain.load(Ordering::Relaxed)
    }

    /// When an attempt that starts `now` times out.
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
    pub(crate) fn allows_retries(&self) -> bool {
        self.allows_retries.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, RetryConfig> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A mode that many threads read: the ratio of calls to which it applies, as the bits of a float, or [`OFF`].
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

/// A checked configuration has no timeout of centuries.
fn nanos_of(timeout: Option<Duration>) -> u64 {
    timeout.map_or(NONE, |timeout| {
        u64::try_from(timeout.as_nanos()).unwrap_or(NONE)
    })
}

const ALL: u64 = 1_f64.to_bits();
const NO_CALLS: u64 = 0_f64.to_bits();
const OFF: u64 = u64::MAX;
const NONE: u64 = u64::MAX;
