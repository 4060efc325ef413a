use std::time::Duration;

use buttress_core::{Name, Reason};

use crate::meter::{Family, Gauge, Histogram, Labels, Meter, Registrar};
use crate::names;

/// The signals of one bulkhead.
///
/// See the [crate docs](crate) for what it emits.
#[derive(Debug)]
pub struct BulkheadSignals {
    layer: Name,
    meter: Meter<Handles>,
}

/// What happened at a bulkhead.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkheadEvent {
    /// A call was rejected.
    Rejected(Reason),
    /// A call was let through that would have been rejected if the bulkhead's mode were to enforce.
    WouldReject(Reason),
}

impl BulkheadSignals {
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

    /// Emits the signals. Neither allocates nor locks, but for what the recorder and the subscriber do.
    #[cold]
    pub fn emit(&self, event: BulkheadEvent) {
        match event {
            BulkheadEvent::Rejected(reason) => self.rejected(reason),
            BulkheadEvent::WouldReject(reason) => self.would_reject(reason),
        }
    }

    /// A call was admitted. Returns whether it is on the gauge: then it must be [removed](Self::left) again.
    #[inline(always)]
    #[must_use]
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

    fn rejected(&self, reason: Reason) {
        if let Some(handles) = self.handles() {
            handles.rejections.increment(reason);
        }
        event!(
            DEBUG,
            "buttress::bulkhead",
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
            "buttress::bulkhead",
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
        self.meter
            .handles()
            .or_else(|| self.meter.find(Some(&self.layer), Handles::register))
    }
}

#[derive(Debug)]
struct Handles {
    in_flight: Gauge,
    queue_length: Gauge,
    rejections: Family<Reason>,
    wait: Histogram,
    would_reject: Family<Reason>,
}

impl Handles {
    fn register(registrar: &Registrar<'_>) -> Self {
        Self {
            in_flight: registrar.gauge(&names::BULKHEAD_IN_FLIGHT),
            queue_length: registrar.gauge(&names::BULKHEAD_QUEUE_LENGTH),
            rejections: registrar.family(&names::BULKHEAD_REJECTIONS, REASONS, reason_label),
            wait: registrar.histogram(&names::BULKHEAD_WAIT),
            would_reject: registrar.family(&names::BULKHEAD_WOULD_REJECT, REASONS, reason_label),
        }
    }
}

fn reason_label(reason: Reason) -> Labels {
    vec![("reason", reason.as_str().into())]
}

/// Why a bulkhead rejects.
const REASONS: [Reason; 5] = [
    Reason::BulkheadFull,
    Reason::QueueTimeout,
    Reason::QueueOverloaded,
    Reason::DeadlineTooShort,
    Reason::TenantOverShare,
];
