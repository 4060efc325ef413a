use buttress_core::circuit::{Cause, CircuitState, Transition};
use buttress_core::{FailureKind, Name, Outcome, Reason};

use crate::isolate::isolate;
use crate::meter::{Counter, Family, Gauge, Labels, Meter, Registrar, Tally};
use crate::names;

/// The signals of one circuit.
///
/// Dropping it takes its circuit off the state gauge. See the [crate docs](crate) for what it emits.
#[derive(Debug)]
pub struct BreakerSignals {
    layer: Name,
    key: Option<Name>,
    states: [Tally; CircuitState::ALL.len()],
    meter: Meter<Handles>,
}

/// What happened at a breaker.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerEvent {
    /// An admitted call was dropped before it ended.
    Cancelled,
    /// A call was refused.
    Rejected(Reason),
    /// An admitted call ended.
    Settled(Outcome),
    /// An admitted call took longer than the threshold for slow calls. Comes on top of how it ended.
    Slow,
    /// An outcome came from an earlier epoch and changed nothing. Comes on top of how the call ended.
    Stale,
    /// The circuit moved. Racing threads may emit their transitions in any order.
    Transition(Transition),
    /// A call was let through that would have been refused if the breaker's mode were to enforce.
    WouldReject(Reason),
}

impl BreakerSignals {
    /// The signals of a closed circuit that belongs to the handle called `layer`.
    #[must_use]
    pub fn new(layer: Name) -> Self {
        let signals = Self {
            layer,
            key: None,
            states: CircuitState::ALL
                .map(|state| Tally::new((state == CircuitState::Closed).into())),
            meter: Meter::new(),
        };
        // With a recorder in place, the series stand at 0 before the first call.
        isolate(|| signals.handles().is_some());
        signals
    }

    /// The same signals, for one circuit of many under one name.
    ///
    /// The key appears in events and never in metrics, because keys are not a closed set: there, the circuits
    /// of one name add up.
    #[must_use]
    pub fn with_key(mut self, key: Name) -> Self {
        self.key = Some(key);
        self
    }

    /// Tells the world. Neither allocates nor locks, but for what the recorder and the subscriber do.
    #[inline]
    pub fn emit(&self, event: BreakerEvent) {
        isolate(|| self.record(event));
        isolate(|| self.log(event));
    }

    #[inline]
    fn record(&self, event: BreakerEvent) {
        if let BreakerEvent::Transition(step) = event {
            // Kept even without a recorder, so that one installed late shows the true state.
            self.tally(step.from).add(-1);
            self.tally(step.to).add(1);
        }
        let Some(handles) = self.handles() else {
            return;
        };
        match event {
            BreakerEvent::Cancelled => handles.calls.increment(None),
            BreakerEvent::Rejected(reason) => handles.rejections.increment(reason),
            BreakerEvent::Settled(outcome) => handles.calls.increment(Some(outcome)),
            BreakerEvent::Slow => handles.slow_calls.increment(1),
            BreakerEvent::Stale => handles.stale_outcomes.increment(1),
            BreakerEvent::Transition(step) => {
                handles.transitions.increment((step.to, step.cause));
                self.show(handles);
            }
            BreakerEvent::WouldReject(reason) => handles.would_reject.increment(reason),
        }
    }

    #[inline]
    fn log(&self, event: BreakerEvent) {
        let layer = self.layer.as_str();
        let key = self.key.as_ref().map(Name::as_str);
        match event {
            BreakerEvent::Rejected(reason) => event!(
                DEBUG,
                "buttress::breaker",
                "call rejected",
                layer = layer,
                key = key,
                reason = reason.as_str()
            ),
            BreakerEvent::WouldReject(reason) => event!(
                DEBUG,
                "buttress::breaker",
                "call would have been rejected",
                layer = layer,
                key = key,
                reason = reason.as_str()
            ),
            BreakerEvent::Transition(step) if step.to == CircuitState::Open => event!(
                WARN,
                "buttress::breaker",
                "circuit opened",
                layer = layer,
                key = key,
                from = step.from.as_str(),
                to = step.to.as_str(),
                cause = step.cause.as_str(),
                open_for = ?step.open_for.unwrap_or_default()
            ),
            BreakerEvent::Transition(step) => event!(
                INFO,
                "buttress::breaker",
                "circuit changed state",
                layer = layer,
                key = key,
                from = step.from.as_str(),
                to = step.to.as_str(),
                cause = step.cause.as_str()
            ),
            BreakerEvent::Cancelled
            | BreakerEvent::Settled(_)
            | BreakerEvent::Slow
            | BreakerEvent::Stale => {}
        }
    }

    #[inline]
    fn handles(&self) -> Option<&Handles> {
        if let Some(handles) = self.meter.handles() {
            return Some(handles);
        }
        let handles = self.meter.find(Some(&self.layer), Handles::register)?;
        self.show(handles);
        Some(handles)
    }

    fn show(&self, handles: &Handles) {
        for (tally, gauge) in self.states.iter().zip(&handles.states) {
            tally.show(gauge);
        }
    }

    fn tally(&self, state: CircuitState) -> &Tally {
        &self.states[match state {
            CircuitState::Closed => 0,
            CircuitState::HalfOpen => 1,
            CircuitState::Isolated => 2,
            CircuitState::Open => 3,
            CircuitState::Recovering => 4,
        }]
    }
}

impl Drop for BreakerSignals {
    fn drop(&mut self) {
        if let Some(handles) = self.meter.handles() {
            self.states.iter().for_each(Tally::clear);
            isolate(|| self.show(handles));
        }
    }
}

#[derive(Debug)]
struct Handles {
    /// By outcome; `None` is a call that was cancelled.
    calls: Family<Option<Outcome>>,
    rejections: Family<Reason>,
    slow_calls: Counter,
    stale_outcomes: Counter,
    states: [Gauge; CircuitState::ALL.len()],
    transitions: Family<(CircuitState, Cause)>,
    would_reject: Family<Reason>,
}

impl Handles {
    fn register(registrar: &Registrar<'_>) -> Self {
        let reason = |reason: Reason| vec![("reason", reason.as_str().into())];
        Self {
            calls: registrar.family(&names::BREAKER_CALLS, ENDINGS, outcome_label),
            rejections: registrar.family(&names::BREAKER_REJECTIONS, REASONS, reason),
            slow_calls: registrar.counter(&names::BREAKER_SLOW_CALLS),
            stale_outcomes: registrar.counter(&names::BREAKER_STALE_OUTCOMES),
            states: registrar.gauges(&names::BREAKER_STATE, CircuitState::ALL, |state| {
                vec![("state", state.as_str().into())]
            }),
            transitions: registrar.family(&names::BREAKER_TRANSITIONS, STEPS, |(to, cause)| {
                vec![("to", to.as_str().into()), ("cause", cause.as_str().into())]
            }),
            would_reject: registrar.family(&names::BREAKER_WOULD_REJECT, REASONS, reason),
        }
    }
}

fn outcome_label(ending: Option<Outcome>) -> Labels {
    let word = ending.map_or("cancelled", Outcome::as_str);
    vec![("outcome", word.into())]
}

/// How a call can end, the most frequent first.
const ENDINGS: [Option<Outcome>; 7] = [
    Some(Outcome::Success),
    Some(Outcome::Failure(FailureKind::Error)),
    Some(Outcome::Failure(FailureKind::Timeout)),
    Some(Outcome::Failure(FailureKind::Overload)),
    Some(Outcome::Failure(FailureKind::Transport)),
    Some(Outcome::Ignored),
    None,
];

/// Why a breaker rejects.
const REASONS: [Reason; 4] = [
    Reason::CircuitOpen,
    Reason::CircuitHalfOpen,
    Reason::CircuitRecovering,
    Reason::CircuitIsolated,
];

/// The steps a circuit usually takes. One that is missing here is still counted, but not from 0.
const STEPS: [(CircuitState, Cause); 14] = [
    (CircuitState::Closed, Cause::Isolation),
    (CircuitState::Closed, Cause::ProbesPassed),
    (CircuitState::Closed, Cause::RampDone),
    (CircuitState::Closed, Cause::Reset),
    (CircuitState::HalfOpen, Cause::OpenElapsed),
    (CircuitState::Isolated, Cause::Isolation),
    (CircuitState::Open, Cause::ConsecutiveFailures),
    (CircuitState::Open, Cause::FailureRatio),
    (CircuitState::Open, Cause::Isolation),
    (CircuitState::Open, Cause::ProbesFailed),
    (CircuitState::Open, Cause::SlowCallRatio),
    (CircuitState::Open, Cause::StayElapsed),
    (CircuitState::Open, Cause::Trip),
    (CircuitState::Recovering, Cause::ProbesPassed),
];
