use std::time::Duration;

use buttress_core::retry::StopReason;
use buttress_core::{FailureKind, Name, Outcome};

use crate::breaker::{ENDINGS, outcome_label, slot_of};
use crate::meter::{Counter, Family, Labels, Meter, Registrar};
use crate::names;

/// The signals of one retry.
///
/// See the [crate docs](crate) for what it emits.
#[derive(Debug)]
pub struct RetrySignals {
    layer: Name,
    meter: Meter<RetryHandles>,
}

/// An event of a call that may be retried.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryEvent {
    /// An attempt ended.
    Attempted(Outcome),
    /// An attempt was dropped before it ended, or its call during the wait for another.
    Cancelled,
    /// Another attempt is going to be made.
    Retrying {
        /// The kind of the last failure.
        cause: FailureKind,
        /// The number of the next attempt, starting at 1.
        attempt: u32,
        /// The wait before it.
        after: Duration,
    },
    /// A failed call is not retried.
    Stopped {
        /// The reason.
        reason: StopReason,
        /// The number of attempts.
        attempts: u32,
    },
    /// Another attempt would have been made in [`Mode::Enforce`](buttress_core::Mode::Enforce).
    WouldRetry(FailureKind),
}

impl RetrySignals {
    /// Creates the signals of the handle with the name `layer`.
    #[must_use]
    pub fn new(layer: Name) -> Self {
        let signals = Self {
            layer,
            meter: Meter::new(),
        };
        // With a recorder, the series start at 0 before the first call.
        signals.handles();
        signals
    }

    /// Emits the signals. Neither allocates nor locks, except in the recorder and the subscriber. Inlined, because a
    /// call site knows its event, so that only an addition remains.
    #[inline(always)]
    pub fn emit(&self, event: RetryEvent) {
        match event {
            RetryEvent::Attempted(outcome) => self.ended(Some(outcome)),
            RetryEvent::Cancelled => self.ended(None),
            RetryEvent::Retrying {
                cause,
                attempt,
                after,
            } => self.retrying(cause, attempt, after),
            RetryEvent::Stopped { reason, attempts } => self.stopped(reason, attempts),
            RetryEvent::WouldRetry(cause) => self.would_retry(cause),
        }
    }

    #[inline(always)]
    fn ended(&self, ending: Option<Outcome>) {
        if let Some(handles) = self.handles() {
            handles.attempts[slot_of(ending)].increment(1);
        }
    }

    #[cold]
    fn retrying(&self, cause: FailureKind, attempt: u32, after: Duration) {
        if let Some(handles) = self.handles() {
            handles.retries.increment(cause);
        }
        event!(
            DEBUG,
            "buttress::retry",
            "call retried",
            layer = self.layer.as_str(),
            cause = cause.as_str(),
            attempt = attempt,
            after = ?after
        );
    }

    #[cold]
    fn stopped(&self, reason: StopReason, attempts: u32) {
        if let Some(handles) = self.handles() {
            handles.stops.increment(reason);
        }
        event!(
            DEBUG,
            "buttress::retry",
            "call not retried",
            layer = self.layer.as_str(),
            reason = reason.as_str(),
            attempts = attempts
        );
    }

    #[cold]
    fn would_retry(&self, cause: FailureKind) {
        if let Some(handles) = self.handles() {
            handles.would_retry.increment(cause);
        }
        event!(
            DEBUG,
            "buttress::retry",
            "call would have been retried",
            layer = self.layer.as_str(),
            cause = cause.as_str()
        );
    }

    #[inline]
    fn handles(&self) -> Option<&RetryHandles> {
        self.meter
            .handles()
            .or_else(|| self.meter.find(Some(&self.layer), RetryHandles::register))
    }
}

#[derive(Debug)]
struct RetryHandles {
    /// In the order of [`ENDINGS`].
    attempts: [Counter; ENDINGS.len()],
    retries: Family<FailureKind>,
    stops: Family<StopReason>,
    would_retry: Family<FailureKind>,
}

impl RetryHandles {
    fn register(registrar: &Registrar<'_>) -> Self {
        Self {
            attempts: registrar.counters(&names::RETRY_ATTEMPTS, ENDINGS, outcome_label),
            retries: registrar.family(&names::RETRY_RETRIES, KINDS, cause_label),
            stops: registrar.family(&names::RETRY_STOPS, StopReason::ALL, |reason| {
                vec![("reason", reason.as_str().into())]
            }),
            would_retry: registrar.family(&names::RETRY_WOULD_RETRY, KINDS, cause_label),
        }
    }
}

fn cause_label(cause: FailureKind) -> Labels {
    vec![("cause", cause.as_str().into())]
}

const KINDS: [FailureKind; 4] = [
    FailureKind::Error,
    FailureKind::Timeout,
    FailureKind::Overload,
    FailureKind::Transport,
];
