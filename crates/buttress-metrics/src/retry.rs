use std::time::Duration;

use buttress_core::retry::StopReason;
use buttress_core::{FailureKind, Name, Outcome};

use crate::breaker::{ENDINGS, outcome_label, slot_of};
use crate::meter::{Counter, Family, Gauge, Labels, Meter, Registrar, Tally};
use crate::names;

/// The signals of one retry.
///
/// See the [crate docs](crate) for what it emits.
#[derive(Debug)]
pub struct RetrySignals {
    layer: Name,
    meter: Meter<RetryHandles>,
}

/// What happened to a call that may be tried again.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryEvent {
    /// An attempt ended.
    Attempted(Outcome),
    /// An attempt was dropped before it ended, or its call while it waited for another.
    Cancelled,
    /// Another attempt is going to be made.
    Retrying {
        /// In which way the last one failed.
        cause: FailureKind,
        /// The number of the next, where the first is 1.
        attempt: u32,
        /// How long is waited before it.
        after: Duration,
    },
    /// A call failed, and is not tried again.
    Stopped {
        /// Why not.
        reason: StopReason,
        /// How often it was tried.
        attempts: u32,
    },
    /// Another attempt would have been made if the mode were to enforce.
    WouldRetry(FailureKind),
}

impl RetrySignals {
    /// The signals of the handle called `layer`.
    #[must_use]
    pub fn new(layer: Name) -> Self {
        let signals = Self {
            layer,
            meter: Meter::new(),
        };
        // With a recorder in place, the series stand at 0 before the first call.
        signals.handles();
        signals
    }

    /// Tells the world. Neither allocates nor locks, but for what the recorder and the subscriber do.
    // A call site knows its event: inlined, the match folds away and an addition is left.
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
            "call is tried again",
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
            "call is not tried again",
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
            "call would have been tried again",
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

/// The signals of one retry budget.
///
/// Dropping it takes its balance off the gauge.
#[derive(Debug)]
pub struct BudgetSignals {
    layer: Name,
    balance: Tally,
    meter: Meter<BudgetHandles>,
}

impl BudgetSignals {
    /// The signals of the budget called `layer`.
    #[must_use]
    pub fn new(layer: Name) -> Self {
        let signals = Self {
            layer,
            balance: Tally::new(0),
            meter: Meter::new(),
        };
        signals.handles();
        signals
    }

    /// Shows how many extra attempts the budget has left, now that it was asked for one.
    pub fn show_balance(&self, attempts: u64) {
        self.balance
            .set(i64::try_from(attempts).unwrap_or(i64::MAX));
        if let Some(handles) = self.handles() {
            self.balance.show(&handles.balance);
        }
    }

    fn handles(&self) -> Option<&BudgetHandles> {
        self.meter
            .handles()
            .or_else(|| self.meter.find(Some(&self.layer), BudgetHandles::register))
    }
}

impl Drop for BudgetSignals {
    fn drop(&mut self) {
        if let Some(handles) = self.meter.handles() {
            self.balance.clear();
            self.balance.show(&handles.balance);
        }
    }
}

/// The signals of one hedge.
#[derive(Debug)]
pub struct HedgeSignals {
    layer: Name,
    meter: Meter<HedgeHandles>,
}

/// What became of a second attempt that was made because the first was slow.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HedgeEvent {
    /// Its call was dropped with both under way.
    Cancelled,
    /// Both failed.
    Failed,
    /// The first answered before it.
    Lost,
    /// The budget did not pay for it.
    Withheld,
    /// It answered first.
    Won,
    /// It would have been made if the mode were to enforce.
    WouldHedge,
}

impl HedgeEvent {
    /// Every event, in the order of its number.
    pub const ALL: [Self; 6] = [
        Self::Cancelled,
        Self::Failed,
        Self::Lost,
        Self::Withheld,
        Self::Won,
        Self::WouldHedge,
    ];

    /// The event as a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Withheld => "withheld",
            Self::Won => "won",
            Self::WouldHedge => "would_hedge",
        }
    }
}

impl HedgeSignals {
    /// The signals of the handle called `layer`.
    #[must_use]
    pub fn new(layer: Name) -> Self {
        let signals = Self {
            layer,
            meter: Meter::new(),
        };
        signals.handles();
        signals
    }

    /// Tells the world.
    #[cold]
    pub fn emit(&self, event: HedgeEvent) {
        if let Some(handles) = self.handles() {
            handles.hedges[event as usize].increment(1);
        }
        event!(
            DEBUG,
            "buttress::retry",
            "call was hedged",
            layer = self.layer.as_str(),
            outcome = event.as_str()
        );
    }

    fn handles(&self) -> Option<&HedgeHandles> {
        self.meter
            .handles()
            .or_else(|| self.meter.find(Some(&self.layer), HedgeHandles::register))
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

#[derive(Debug)]
struct BudgetHandles {
    balance: Gauge,
}

impl BudgetHandles {
    fn register(registrar: &Registrar<'_>) -> Self {
        let [balance] = registrar.gauges(&names::RETRY_BUDGET_BALANCE, [()], |()| Labels::new());
        Self { balance }
    }
}

#[derive(Debug)]
struct HedgeHandles {
    /// In the order of [`HedgeEvent::ALL`].
    hedges: [Counter; HedgeEvent::ALL.len()],
}

impl HedgeHandles {
    fn register(registrar: &Registrar<'_>) -> Self {
        Self {
            hedges: registrar.counters(&names::RETRY_HEDGES, HedgeEvent::ALL, |event| {
                vec![("outcome", event.as_str().into())]
            }),
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
