use buttress_core::{LayerKind, Name, Reason};

use crate::meter::{Family, Meter, Registrar};
use crate::names;
use crate::rejections::Rejections;

/// The signals of a deadline layer.
///
/// See the [crate docs](crate) for what it emits.
#[derive(Debug)]
pub struct DeadlineSignals {
    layer: Name,
    meter: Meter<Handles>,
}

/// An event of a deadline layer.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadlineEvent {
    /// A call was ended at its deadline.
    Exceeded(Phase),
    /// A call was rejected.
    Rejected(Reason),
    /// A call was admitted or continued that would have been rejected or ended in
    /// [`Mode::Enforce`](buttress_core::Mode::Enforce).
    WouldReject(Reason),
}

/// The part of the response that a call was waiting for at its deadline. The set is complete: a response has a head
/// and a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The end of the body.
    BodyEnd,
    /// The next frame of the body.
    BodyIdle,
    /// The head of the response, or a response without a body.
    Head,
}

impl Phase {
    /// All phases.
    pub const ALL: [Self; 3] = [Self::BodyEnd, Self::BodyIdle, Self::Head];

    /// Returns the phase as a metric label.
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
    /// Creates the signals of the layer with the name `layer`.
    #[must_use]
    pub const fn new(layer: Name) -> Self {
        Self {
            layer,
            meter: Meter::new(),
        }
    }

    /// Registers the series, if there is a recorder, so that they start at 0 before the first call.
    pub fn register(&self) {
        self.handles();
    }

    /// Emits the signals. A call that ends in time has none.
    #[cold]
    pub fn emit(&self, event: DeadlineEvent) {
        if let Some(handles) = self.handles() {
            match event {
                DeadlineEvent::Exceeded(phase) => handles.exceeded.increment(phase),
                DeadlineEvent::Rejected(reason) => handles.rejections.rejected.increment(reason),
                DeadlineEvent::WouldReject(reason) => {
                    handles.rejections.would_reject.increment(reason)
                }
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
    rejections: Rejections,
}

impl Handles {
    fn register(registrar: &Registrar<'_>) -> Self {
        Self {
            exceeded: registrar.family(&names::DEADLINE_EXCEEDED, Phase::ALL, |phase| {
                vec![("phase", phase.as_str().into())]
            }),
            rejections: Rejections::register(
                registrar,
                LayerKind::Deadline,
                &names::DEADLINE_REJECTIONS,
                &names::DEADLINE_WOULD_REJECT,
            ),
        }
    }
}
