use std::time::Duration;

use buttress_core::{Criticality, LayerKind, Name, Reason};

use crate::meter::{Gauge, GaugeDelta, Histogram, Meter, Registrar};
use crate::names::{self, Metric};
use crate::rejections::Rejections;

/// Emits an event with the target of the limiter's kind.
macro_rules! at_target {
    ($self:ident, $level:ident, $message:literal, $($fields:tt)+) => {
        match $self.kind {
            Limiter::Bulkhead => event!($level, "buttress::bulkhead", $message, $($fields)+),
            Limiter::Shedder => event!($level, "buttress::shed", $message, $($fields)+),
        }
    };
}

/// The signals of one limiter. Bulkheads and shedders have separate metrics.
///
/// Dropping it removes its limit from the gauge. See the [crate docs](crate) for what it emits.
#[derive(Debug)]
pub struct LimiterSignals {
    kind: Limiter,
    layer: Name,
    limit: GaugeDelta,
    meter: Meter<Handles>,
}

/// The kind of a limiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limiter {
    /// A bulkhead, whose limit is fixed.
    Bulkhead,
    /// A load shedder, whose limit is adaptive by default.
    Shedder,
}

/// An event of a limiter.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimiterEvent {
    /// The limit changed.
    LimitChanged(u64),
    /// Memory or processor pressure changed the minimum criticality that is admitted.
    PressureChanged(Criticality),
    /// A call was rejected.
    Rejected(Reason),
    /// A call was admitted that would have been rejected in [`Mode::Enforce`](buttress_core::Mode::Enforce).
    WouldReject(Reason),
}

impl LimiterSignals {
    /// Creates the signals of the handle with the name `layer` and this initial limit.
    #[must_use]
    pub fn new(kind: Limiter, layer: Name, limit: u64) -> Self {
        let signals = Self {
            kind,
            layer,
            limit: GaugeDelta::new(level(limit)),
            meter: Meter::new(),
        };
        // With a recorder, the series start at 0 before the first call.
        signals.handles();
        signals
    }

    /// Emits the signals. Neither allocates nor locks, except in the recorder and the subscriber.
    #[cold]
    pub fn emit(&self, event: LimiterEvent) {
        match event {
            LimiterEvent::LimitChanged(limit) => self.limit_changed(limit),
            LimiterEvent::PressureChanged(least) => self.pressure_changed(least),
            LimiterEvent::Rejected(reason) => self.rejected(reason),
            LimiterEvent::WouldReject(reason) => self.would_reject(reason),
        }
    }

    /// Records an admitted call. Returns whether the gauge counts it: then it must be [removed](Self::left) again.
    #[must_use]
    #[inline(always)]
    pub fn entered(&self) -> bool {
        self.show(|handles| &handles.in_flight)
    }

    /// Records the end of a call that the gauge counts.
    #[inline(always)]
    pub fn left(&self) {
        self.hide(|handles| &handles.in_flight);
    }

    /// Records a call that starts to wait. Returns whether the gauge counts it.
    #[must_use]
    pub fn queued(&self) -> bool {
        self.show(|handles| &handles.queue_length)
    }

    /// Records the end of a wait of this length. `shown` is whether the gauge counts it.
    pub fn unqueued(&self, shown: bool, waited: Duration) {
        if shown {
            self.hide(|handles| &handles.queue_length);
        }
        if let Some(handles) = self.handles() {
            handles.wait.record(waited.as_secs_f64());
        }
    }

    fn limit_changed(&self, limit: u64) {
        self.limit.set(level(limit));
        if let Some(handles) = self.handles() {
            self.limit.show(&handles.limit);
        }
        at_target!(
            self,
            TRACE,
            "limit changed",
            layer = self.layer.as_str(),
            limit = limit
        );
    }

    fn pressure_changed(&self, least: Criticality) {
        if least == Criticality::Low {
            event!(
                INFO,
                "buttress::shed",
                "memory and processor pressure ended",
                layer = self.layer.as_str()
            );
        } else {
            event!(
                WARN,
                "buttress::shed",
                "memory or processor pressure",
                layer = self.layer.as_str(),
                least = least.as_str()
            );
        }
    }

    fn rejected(&self, reason: Reason) {
        if let Some(handles) = self.handles() {
            handles.rejections.rejected.increment(reason);
        }
        at_target!(
            self,
            DEBUG,
            "call rejected",
            layer = self.layer.as_str(),
            reason = reason.as_str()
        );
    }

    fn would_reject(&self, reason: Reason) {
        if let Some(handles) = self.handles() {
            handles.rejections.would_reject.increment(reason);
        }
        at_target!(
            self,
            DEBUG,
            "call would have been rejected",
            layer = self.layer.as_str(),
            reason = reason.as_str()
        );
    }

    #[inline(always)]
    fn show(&self, gauge: impl FnOnce(&Handles) -> &Gauge) -> bool {
        let handles = self.handles();
        handles
            .inspect(|handles| gauge(handles).increment(1.0))
            .is_some()
    }

    #[inline(always)]
    fn hide(&self, gauge: impl FnOnce(&Handles) -> &Gauge) {
        if let Some(handles) = self.meter.handles() {
            gauge(handles).increment(-1.0);
        }
    }

    #[inline]
    fn handles(&self) -> Option<&Handles> {
        self.meter.handles().or_else(|| {
            let handles = self
                .meter
                .find(Some(&self.layer), |registrar| self.kind.register(registrar))?;
            self.limit.show(&handles.limit);
            Some(handles)
        })
    }
}

impl Drop for LimiterSignals {
    fn drop(&mut self) {
        if let Some(handles) = self.meter.handles() {
            self.limit.clear();
            self.limit.show(&handles.limit);
        }
    }
}

#[derive(Debug)]
struct Handles {
    in_flight: Gauge,
    limit: Gauge,
    queue_length: Gauge,
    rejections: Rejections,
    wait: Histogram,
}

/// The metrics of one kind of limiter.
struct Metrics {
    in_flight: &'static Metric,
    limit: &'static Metric,
    queue_length: &'static Metric,
    rejections: &'static Metric,
    wait: &'static Metric,
    would_reject: &'static Metric,
}

impl Limiter {
    fn metrics(self) -> Metrics {
        match self {
            Self::Bulkhead => Metrics {
                in_flight: &names::BULKHEAD_IN_FLIGHT,
                limit: &names::BULKHEAD_LIMIT,
                queue_length: &names::BULKHEAD_QUEUE_LENGTH,
                rejections: &names::BULKHEAD_REJECTIONS,
                wait: &names::BULKHEAD_WAIT,
                would_reject: &names::BULKHEAD_WOULD_REJECT,
            },
            Self::Shedder => Metrics {
                in_flight: &names::SHED_IN_FLIGHT,
                limit: &names::SHED_LIMIT,
                queue_length: &names::SHED_QUEUE_LENGTH,
                rejections: &names::SHED_REJECTIONS,
                wait: &names::SHED_WAIT,
                would_reject: &names::SHED_WOULD_REJECT,
            },
        }
    }

    fn register(self, registrar: &Registrar<'_>) -> Handles {
        let metrics = self.metrics();
        let layer = match self {
            Self::Bulkhead => LayerKind::Bulkhead,
            Self::Shedder => LayerKind::Shedder,
        };
        Handles {
            in_flight: registrar.gauge(metrics.in_flight),
            limit: registrar.gauge(metrics.limit),
            queue_length: registrar.gauge(metrics.queue_length),
            rejections: Rejections::register(
                registrar,
                layer,
                metrics.rejections,
                metrics.would_reject,
            ),
            wait: registrar.histogram(metrics.wait),
        }
    }
}

fn level(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
