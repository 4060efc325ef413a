use buttress_core::Name;

use crate::meter::{Counter, Meter, Registrar};
use crate::names;

/// The signals of one hedge.
#[derive(Debug)]
pub struct HedgeSignals {
    layer: Name,
    meter: Meter<HedgeHandles>,
}

/// The result of a second attempt.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HedgeEvent {
    /// The call was dropped with both attempts in flight.
    Cancelled,
    /// Both attempts failed.
    Failed,
    /// The first attempt responded before it.
    Lost,
    /// The budget did not allow it.
    Withheld,
    /// It responded first.
    Won,
    /// It would have been made in [`Mode::Enforce`](buttress_core::Mode::Enforce).
    WouldHedge,
}

impl HedgeEvent {
    /// All events, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Cancelled,
        Self::Failed,
        Self::Lost,
        Self::Withheld,
        Self::Won,
        Self::WouldHedge,
    ];

    /// Returns the event as a metric label.
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
    /// Creates the signals of the handle with the name `layer`.
    #[must_use]
    pub fn new(layer: Name) -> Self {
        let signals = Self {
            layer,
            meter: Meter::new(),
        };
        signals.handles();
        signals
    }

    /// Emits the signals.
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
