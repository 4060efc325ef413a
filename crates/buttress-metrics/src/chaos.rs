use buttress_core::Name;
use buttress_core::chaos::{End, Suppressed};

use crate::meter::{Family, Gauge, GaugeDelta, Labels, Meter, Registrar};
use crate::names;

/// The signals of one injector.
///
/// Dropping it removes its armed plan and affected calls from the gauges. See the [crate docs](crate) for what it
/// emits.
#[derive(Debug)]
pub struct ChaosSignals {
    layer: Name,
    active: GaugeDelta,
    armed: GaugeDelta,
    meter: Meter<Handles>,
}

/// An event of an injector.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChaosEvent<'a> {
    /// A plan was armed.
    Armed {
        /// The number of its faults.
        faults: usize,
        /// Its seed.
        seed: u64,
    },
    /// The plan was disarmed.
    Disarmed(Disarming),
    /// A fault affects a call.
    Injected {
        /// The name of the fault in the plan.
        fault: &'a str,
        /// The kind of the fault, [`Fault::kind`](buttress_core::chaos::Fault::kind).
        kind: &'static str,
    },
    /// An affected call has ended.
    Released,
    /// One fault was disabled.
    Stopped {
        /// The name of the fault in the plan.
        fault: &'a str,
    },
    /// A fault is injected into a call.
    Struck,
    /// A call was not affected, because a bound of the plan was reached.
    Suppressed(Suppressed),
}

/// What disarmed a plan.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Disarming {
    /// The bounds of the plan.
    Ended(End),
    /// The handle.
    Hand,
    /// A kill switch.
    Switch,
}

impl Disarming {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ended(End::Breached(_)) => "breached",
            Self::Ended(End::Expired) => "expired",
            Self::Hand => "hand",
            Self::Switch => "switch",
        }
    }
}

impl ChaosSignals {
    /// Creates the signals of a disarmed injector with the name `layer`.
    #[must_use]
    pub fn new(layer: Name) -> Self {
        let signals = Self {
            layer,
            active: GaugeDelta::new(0),
            armed: GaugeDelta::new(0),
            meter: Meter::new(),
        };
        signals.handles();
        signals
    }

    /// Emits the signals.
    pub fn emit(&self, event: ChaosEvent<'_>) {
        match event {
            ChaosEvent::Armed { faults, seed } => self.armed(faults, seed),
            ChaosEvent::Disarmed(by) => self.disarmed(by),
            ChaosEvent::Injected { fault, kind } => self.injected(fault, kind),
            ChaosEvent::Released => self.active.add(-1),
            ChaosEvent::Stopped { fault } => event!(
                WARN,
                "buttress::chaos",
                "fault stopped",
                layer = self.layer.as_str(),
                fault = fault
            ),
            ChaosEvent::Struck => self.active.add(1),
            ChaosEvent::Suppressed(reason) => self.suppressed(reason),
        }
        if let Some(handles) = self.handles() {
            self.show(handles);
        }
    }

    fn armed(&self, faults: usize, seed: u64) {
        self.armed.add(1);
        event!(
            WARN,
            "buttress::chaos",
            "faults armed",
            layer = self.layer.as_str(),
            faults = faults,
            seed = seed
        );
    }

    fn disarmed(&self, by: Disarming) {
        self.armed.add(-1);
        let breach = match by {
            Disarming::Ended(End::Breached(breach)) => Some(breach.to_string()),
            _ => None,
        };
        event!(
            WARN,
            "buttress::chaos",
            "faults disarmed",
            layer = self.layer.as_str(),
            by = by.as_str(),
            breach = breach
        );
    }

    fn injected(&self, fault: &str, kind: &'static str) {
        if let Some(handles) = self.handles() {
            handles.faults.increment(kind);
        }
        event!(
            DEBUG,
            "buttress::chaos",
            "fault injected",
            layer = self.layer.as_str(),
            fault = fault,
            kind = kind
        );
    }

    fn suppressed(&self, reason: Suppressed) {
        if let Some(handles) = self.handles() {
            handles.suppressed.increment(reason);
        }
        event!(
            DEBUG,
            "buttress::chaos",
            "fault suppressed",
            layer = self.layer.as_str(),
            reason = reason.as_str()
        );
    }

    fn handles(&self) -> Option<&Handles> {
        let handles = self.meter.handles();
        handles.or_else(|| self.meter.find(Some(&self.layer), Handles::register))
    }

    fn show(&self, handles: &Handles) {
        let [active] = &handles.active;
        let [armed] = &handles.armed;
        self.active.show(active);
        self.armed.show(armed);
    }
}

impl Drop for ChaosSignals {
    fn drop(&mut self) {
        if let Some(handles) = self.meter.handles() {
            self.active.clear();
            self.armed.clear();
            self.show(handles);
        }
    }
}

#[derive(Debug)]
struct Handles {
    active: [Gauge; 1],
    armed: [Gauge; 1],
    /// By kind.
    faults: Family<&'static str>,
    suppressed: Family<Suppressed>,
}

impl Handles {
    fn register(registrar: &Registrar<'_>) -> Self {
        let unlabelled = |()| Labels::new();
        Self {
            active: registrar.gauges(&names::CHAOS_ACTIVE, [()], unlabelled),
            armed: registrar.gauges(&names::CHAOS_ARMED, [()], unlabelled),
            faults: registrar.family(&names::CHAOS_FAULTS, KINDS, |kind| {
                vec![("fault", kind.into())]
            }),
            suppressed: registrar.family(&names::CHAOS_SUPPRESSED, SUPPRESSED, |reason| {
                vec![("reason", reason.as_str().into())]
            }),
        }
    }
}

const SUPPRESSED: [Suppressed; 2] = [Suppressed::BlastRadius, Suppressed::MaxActive];

/// The kinds of faults. A test of `buttress-chaos` checks that they are complete.
const KINDS: [&str; 15] = [
    "abort",
    "alter_trailers",
    "corrupt",
    "delay",
    "drip",
    "error",
    "grpc_status",
    "hang",
    "lose_trailers",
    "panic",
    "reset",
    "stall",
    "status",
    "truncate",
    "wrong_length",
];
