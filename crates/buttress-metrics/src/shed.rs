use std::time::Duration;

use buttress_core::{Criticality, Name, Reason};

use crate::meter::{Family, Gauge, GaugeDelta, Histogram, Labels, Meter, Registrar};
use crate::names;

/// The signals of one shedder.
///
/// Dropping it takes its limit off the gauge. See the [crate docs](crate) for what it emits.
#[derive(Debug)]
pub struct ShedSignals {
    layer: Name,
    limit: GaugeDelta,
    meter: Meter<Handles>,
}

/// What happened at a shedder.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShedEvent {
    /// Memory or processor pressure changed so far that the minimum criticality that is admitted is another.
    Pressed(Criticality),
    /// A call was rejected.
    Rejected(Reason),
    /// A call was let through that would have been rejected if the shedder's mode were to enforce.
    WouldReject(Reason),
}

impl ShedSignals {
    /// The signals of the handle named `layer`, with this initial limit.
    #[must_use]
    pub fn new(layer: Name, limit: u64) -> Self {
        let signals = Self {
            layer,
            limit: GaugeDelta::new(level(limit)),
            meter: Meter::new(),
        };
        // With a recorder in place, the series stand at 0 before the first call.
        signals.handles();
        signals
    }

    /// Emits the signals. Neither allocates nor locks, but for what the recorder and the subscriber do.
    #[cold]
    pub fn emit(&self, event: ShedEvent) {
        match event {
            ShedEvent::Pressed(least) => self.pressed(least),
            ShedEvent::Rejected(reason) => self.rejected(reason),
            ShedEvent::WouldReject(reason) => self.would_reject(reason),
        }
    }

    /// The limit moved.
    #[cold]
    pub fn limited(&self, to: u64) {
        self.limit.set(level(to));
        if let Some(handles) = self.handles() {
            self.limit.show(&handles.limit);
        }
        event!(
            TRACE,
            "buttress::shed",
            "limit changed",
            layer = self.layer.as_str(),
            limit = to
        );
    }

    /// A call was admitted. Returns whether it is on the gauge: then it must be [removed](Self::left) again.
    #[must_use]
    #[inline(always)]
    pub fn entered(&self) -> bool {
        self.show(|handles| &handles.in_flight)
    }

    /// A call ended that shows on the gauge.
    #[inline(always)]
    pub fn left(&self) {
        self.hide(|handles| &handles.in_flight);
    }

    /// A caller began to wait. Says whether it shows on the gauge.
    #[must_use]
    pub fn queued(&self) -> bool {
        self.show(|handles| &handles.queue_length)
    }

    /// A caller does not wait any more. `shown` is whether it shows on the gauge.
    pub fn unqueued(&self, shown: bool, waited: Duration) {
        if shown {
            self.hide(|handles| &handles.queue_length);
        }
        if let Some(handles) = self.handles() {
            handles.wait.record(waited.as_secs_f64());
        }
    }

    fn pressed(&self, least: Criticality) {
        if least == Criticality::Low {
            event!(
                INFO,
                "buttress::shed",
                "memory and processor time suffice again",
                layer = self.layer.as_str()
            );
        } else {
            event!(
                WARN,
                "buttress::shed",
                "memory or processor time short",
                layer = self.layer.as_str(),
                least = least.as_str()
            );
        }
    }

    fn rejected(&self, reason: Reason) {
        if let Some(handles) = self.handles() {
            handles.rejections.increment(reason);
        }
        event!(
            DEBUG,
            "buttress::shed",
            "call rejected",
            layer = self.layer.as_str(),
            reason = reason.as_str()
        );
    }

    fn would_reject(&self, reason: Reason) {
        if let Some(handles) = self.handles() {
            handles.would_reject.increment(reason);
        }
        event!(
            DEBUG,
            "buttress::shed",
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
            let handles = self.meter.find(Some(&self.layer), Handles::register)?;
            self.limit.show(&handles.limit);
            Some(handles)
        })
    }
}

impl Drop for ShedSignals {
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
    rejections: Family<Reason>,
    wait: Histogram,
    would_reject: Family<Reason>,
}

impl Handles {
    fn register(registrar: &Registrar<'_>) -> Self {
        Self {
            in_flight: registrar.gauge(&names::SHED_IN_FLIGHT),
            limit: registrar.gauge(&names::SHED_LIMIT),
            queue_length: registrar.gauge(&names::SHED_QUEUE_LENGTH),
            rejections: registrar.family(&names::SHED_REJECTIONS, REASONS, reason_label),
            wait: registrar.histogram(&names::SHED_WAIT),
            would_reject: registrar.family(&names::SHED_WOULD_REJECT, REASONS, reason_label),
        }
    }
}

fn level(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn reason_label(reason: Reason) -> Labels {
    vec![("reason", reason.as_str().into())]
}

/// Why a shedder rejects.
const REASONS: [Reason; 8] = [
    Reason::LimitReached,
    Reason::CriticalityTooLow,
    Reason::QueueOverloaded,
    Reason::QueueTimeout,
    Reason::DeadlineTooShort,
    Reason::TenantOverShare,
    Reason::ClientThrottled,
    Reason::ResourceExhausted,
];
