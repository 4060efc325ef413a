use buttress_core::circuit::{Cause, CircuitState, Transition};
use buttress_core::{FailureKind, LayerKind, Name, Outcome, Reason};

use crate::meter::{Counter, Family, Gauge, GaugeDelta, Labels, Meter, Registrar};
use crate::names;
use crate::rejections::Rejections;

/// The signals of one circuit.
///
/// Dropping it removes its circuit from the state gauge. See the [crate docs](crate) for what it emits.
#[derive(Debug)]
pub struct BreakerSignals {
    layer: Name,
    key: Option<Name>,
    states: [GaugeDelta; CircuitState::ALL.len()],
    meter: Meter<Handles>,
}

/// An event of a breaker.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerEvent {
    /// An admitted call was dropped before it ended.
    Cancelled,
    /// A call was rejected.
    Rejected(Reason),
    /// An admitted call ended.
    Settled(Outcome),
    /// An admitted call took longer than the threshold for slow calls. Emitted in addition to its result.
    Slow,
    /// An outcome of an earlier epoch was ignored. Emitted in addition to the result of the call.
    Stale,
    /// The circuit changed its state. Concurrent threads may emit transitions in any order.
    Transition(Transition),
    /// A call was admitted that would have been rejected in [`Mode::Enforce`](buttress_core::Mode::Enforce).
    WouldReject(Reason),
}

impl BreakerSignals {
    /// Creates the signals of a closed circuit. `layer` is the name of its handle.
    #[must_use]
    pub fn new(layer: Name) -> Self {
        let signals = Self {
            layer,
            key: None,
            states: CircuitState::ALL
                .map(|state| GaugeDelta::new((state == CircuitState::Closed).into())),
            meter: Meter::new(),
        };
        // With a recorder, the series start at 0 before the first call.
        signals.handles();
        signals
    }

    /// Adds a key, for one circuit of many with the same name.
    ///
    /// The key is a field of events, but not a label of metrics, because keys are not a closed set: the metrics sum
    /// over all circuits of the name.
    #[must_use]
    pub fn with_key(mut self, key: Name) -> Self {
        self.key = Some(key);
        self
    }

    /// Emits the signals. Neither allocates nor locks, except in the recorder and the subscriber. Inlined, because a
    /// call site knows its event, so that only an addition remains.
    #[inline(always)]
    pub fn emit(&self, event: BreakerEvent) {
        match event {
            BreakerEvent::Cancelled => self.count(|handles| &handles.calls[slot_of(None)]),
            BreakerEvent::Rejected(reason) => self.rejected(reason),
            BreakerEvent::Settled(outcome) => {
                self.count(|handles| &handles.calls[slot_of(Some(outcome))]);
            }
            BreakerEvent::Slow => self.count(|handles| &handles.slow_calls),
            BreakerEvent::Stale => self.count(|handles| &handles.stale_outcomes),
            BreakerEvent::Transition(step) => self.moved(step),
            BreakerEvent::WouldReject(reason) => self.would_reject(reason),
        }
    }

    /// Logs why an operator isolates the circuit. The text is not a label, because it is free text.
    pub fn explain_isolation(&self, why: &str) {
        event!(
            WARN,
            "buttress::breaker",
            "circuit isolated by hand",
            layer = self.layer.as_str(),
            key = self.key.as_ref().map(Name::as_str),
            why = why
        );
    }

    #[inline(always)]
    fn count(&self, counter: impl FnOnce(&Handles) -> &Counter) {
        if let Some(handles) = self.handles() {
            counter(handles).increment(1);
        }
    }

    #[inline(never)]
    fn rejected(&self, reason: Reason) {
        if let Some(handles) = self.handles() {
            handles.rejections.rejected.increment(reason);
        }
        event!(
            DEBUG,
            "buttress::breaker",
            "call rejected",
            layer = self.layer.as_str(),
            key = self.key.as_ref().map(Name::as_str),
            reason = reason.as_str()
        );
    }

    #[inline(never)]
    fn would_reject(&self, reason: Reason) {
        if let Some(handles) = self.handles() {
            handles.rejections.would_reject.increment(reason);
        }
        event!(
            DEBUG,
            "buttress::breaker",
            "call would have been rejected",
            layer = self.layer.as_str(),
            key = self.key.as_ref().map(Name::as_str),
            reason = reason.as_str()
        );
    }

    #[cold]
    fn moved(&self, step: Transition) {
        // Counted even without a recorder, so that a recorder installed late gets the current state.
        self.states[step.from as usize].add(-1);
        self.states[step.to as usize].add(1);
        if let Some(handles) = self.handles() {
            handles.transitions.increment((step.to, step.cause));
            self.show(handles);
        }
        if step.to == CircuitState::Open {
            event!(
                WARN,
                "buttress::breaker",
                "circuit opened",
                layer = self.layer.as_str(),
                key = self.key.as_ref().map(Name::as_str),
                from = step.from.as_str(),
                to = step.to.as_str(),
                cause = step.cause.as_str(),
                open_for = ?step.open_for.unwrap_or_default()
            );
        } else {
            event!(
                INFO,
                "buttress::breaker",
                "circuit changed state",
                layer = self.layer.as_str(),
                key = self.key.as_ref().map(Name::as_str),
                from = step.from.as_str(),
                to = step.to.as_str(),
                cause = step.cause.as_str()
            );
        }
    }

    #[inline]
    fn handles(&self) -> Option<&Handles> {
        self.meter.handles().or_else(|| {
            let handles = self.meter.find(Some(&self.layer), Handles::register)?;
            self.show(handles);
            Some(handles)
        })
    }

    #[cold]
    fn show(&self, handles: &Handles) {
        for (tally, gauge) in self.states.iter().zip(&handles.states) {
            tally.show(gauge);
        }
    }
}

impl Drop for BreakerSignals {
    fn drop(&mut self) {
        if let Some(handles) = self.meter.handles() {
            self.states.iter_mut().for_each(GaugeDelta::clear);
            self.show(handles);
        }
    }
}

#[derive(Debug)]
struct Handles {
    /// In the order of [`ENDINGS`].
    calls: [Counter; ENDINGS.len()],
    rejections: Rejections,
    slow_calls: Counter,
    stale_outcomes: Counter,
    states: [Gauge; CircuitState::ALL.len()],
    transitions: Family<(CircuitState, Cause)>,
}

impl Handles {
    fn register(registrar: &Registrar<'_>) -> Self {
        Self {
            calls: registrar.counters(&names::BREAKER_CALLS, ENDINGS, outcome_label),
            rejections: Rejections::register(
                registrar,
                LayerKind::Breaker,
                &names::BREAKER_REJECTIONS,
                &names::BREAKER_WOULD_REJECT,
            ),
            slow_calls: registrar.counter(&names::BREAKER_SLOW_CALLS),
            stale_outcomes: registrar.counter(&names::BREAKER_STALE_OUTCOMES),
            states: registrar.gauges(&names::BREAKER_STATE, CircuitState::ALL, |state| {
                vec![("state", state.as_str().into())]
            }),
            transitions: registrar.family(&names::BREAKER_TRANSITIONS, STEPS, |(to, cause)| {
                vec![("to", to.as_str().into()), ("cause", cause.as_str().into())]
            }),
        }
    }
}

pub(crate) fn outcome_label(ending: Option<Outcome>) -> Labels {
    let word = ending.map_or("cancelled", Outcome::as_str);
    vec![("outcome", word.into())]
}

/// The possible ends of a call; `None` is a call that was cancelled.
pub(crate) const ENDINGS: [Option<Outcome>; 7] = [
    Some(Outcome::Success),
    Some(Outcome::Failure(FailureKind::Error)),
    Some(Outcome::Failure(FailureKind::Timeout)),
    Some(Outcome::Failure(FailureKind::Overload)),
    Some(Outcome::Failure(FailureKind::Transport)),
    Some(Outcome::Ignored),
    None,
];

/// The index of an ending in [`ENDINGS`].
#[inline]
pub(crate) fn slot_of(ending: Option<Outcome>) -> usize {
    match ending {
        Some(Outcome::Success) => 0,
        Some(Outcome::Failure(kind)) => 1 + kind as usize,
        Some(Outcome::Ignored) => 5,
        None => 6,
    }
}

/// The usual transitions of a circuit. Any other is also counted, but its series does not start at 0.
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
