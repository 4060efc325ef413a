use buttress_core::{LayerKind, Name, Reason};

use crate::labels::{reason_label, reasons_of};
use crate::meter::{Family, Meter, Registrar};
use crate::names;

/// The signals of a layer that keeps deadlines.
///
/// See the [crate docs](crate) for what it emits.
#[derive(Debug)]
pub struct DeadlineSignals {
    layer: Name,
    meter: Meter<Handles>,
}

/// What happened at a deadline.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadlineEvent {
    /// A call was ended because its time was over.
    Exceeded(Phase),
    /// A call was not begun.
    Rejected(Reason),
    /// A call went on, or was let through, that would have been ended or rejected if the layer's mode were to
    /// enforce.
    WouldReject(Reason),
}

/// What a call was waiting for when its time was over. The set is complete: a response is a head and a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The end of the body.
    BodyEnd,
    /// The next frame of the body.
    BodyIdle,
    /// The head of the response, or a response that has no body.
    Head,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 3] = [Self::BodyEnd, Self::BodyIdle, Self::Head];

    /// The phase as a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BodyEnd => "body_end",
            Self::BodyIdle => "body_idle",
            Self::Head => "head",
        }
    }
}

impl DeadlineSignals {
    /// The signals of the layer called `layer`.
    #[must_use]
    pub const fn new(layer: Name) -> Self {
        Self {
            layer,
            meter: Meter::new(),
        }
    }

    /// With a recorder in place, makes the series stand at 0 before the first call.
    pub fn register(&self) {
        self.handles();
    }

    /// Emits the signals. None of this happens to a call that is answered in time.
    #[cold]
    pub fn emit(&self, event: DeadlineEvent) {
        if let Some(handles) = self.handles() {
            match event {
                DeadlineEvent::Exceeded(phase) => handles.exceeded.increment(phase),
                DeadlineEvent::Rejected(reason) => handles.rejections.increment(reason),
                DeadlineEvent::WouldReject(reason) => handles.would_reject.increment(reason),
            }
        }
        self.log(event);
    }

    fn log(&self, event: DeadlineEvent) {
        let layer = self.layer.as_str();
        match event {
            DeadlineEvent::Exceeded(phase) => event!(
                DEBUG,
                "buttress::deadline",
                "deadline exceeded",
                layer = layer,
                phase = phase.as_str()
            ),
            DeadlineEvent::Rejected(reason) => event!(
                DEBUG,
                "buttress::deadline",
                "call rejected",
                layer = layer,
                reason = reason.as_str()
            ),
            DeadlineEvent::WouldReject(reason) => event!(
                DEBUG,
                "buttress::deadline",
                "call would have been rejected",
                layer = layer,
                reason = reason.as_str()
            ),
        }
    }

    fn handles(&self) -> Option<&Handles> {
        let find = || self.meter.find(Some(&self.layer), Handles::register);
        self.meter.handles().or_else(find)
    }
}

#[derive(Debug)]
struct Handles {
    exceeded: Family<Phase>,
    rejections: Family<Reason>,
    would_reject: Family<Reason>,
}

impl Handles {
    fn register(registrar: &Registrar<'_>) -> Self {
        let reasons = || reasons_of(LayerKind::Deadline);
        // What exceeds its deadline is in a counter of its own.
        let before_the_call = reasons().filter(|reason| *reason != Reason::DeadlineExceeded);
        Self {
            exceeded: registrar.family(&names::DEADLINE_EXCEEDED, Phase::ALL, |phase| {
                vec![("phase", phase.as_str().into())]
            }),
            rejections: registrar.family(
                &names::DEADLINE_REJECTIONS,
                before_the_call,
                reason_label,
            ),
            would_reject: registrar.family(&names::DEADLINE_WOULD_REJECT, reasons(), reason_label),
        }
    }
}
