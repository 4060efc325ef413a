//! The events for `tracing`, field by field.
#![cfg(feature = "tracing")]

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use buttress_core::chaos::{Breach, End, Measure, Suppressed};
use buttress_core::circuit::{Cause, CircuitState, Transition};
use buttress_core::{ClassifiedError, FailureKind, Outcome, Reason, Rejection};
use buttress_metrics::{
    BreakerEvent, BreakerSignals, ChaosEvent, ChaosSignals, DeadlineEvent, DeadlineSignals,
    Disarming, Header, HttpEvent, HttpSignals, Phase, ProblemEvent, ProblemSignals,
};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry;

#[test]
fn opening_is_a_warning_with_the_open_time() {
    let opened = Transition {
        from: CircuitState::HalfOpen,
        to: CircuitState::Open,
        cause: Cause::ProbesFailed,
        open_for: Some(Duration::from_millis(1_500)),
    };
    assert_eq!(
        breaker_events(BreakerEvent::Transition(opened)),
        [
            "WARN buttress::breaker: circuit opened layer=a from=half_open to=open \
             cause=probes_failed open_for=1.5s"
        ]
    );
}

#[test]
fn other_transitions_are_information() {
    let probed = Transition {
        from: CircuitState::Open,
        to: CircuitState::HalfOpen,
        cause: Cause::OpenElapsed,
        open_for: None,
    };
    assert_eq!(
        breaker_events(BreakerEvent::Transition(probed)),
        [
            "INFO buttress::breaker: circuit changed state layer=a from=open to=half_open \
             cause=open_elapsed"
        ]
    );
}

#[test]
fn isolation_is_a_warning_with_the_reason() {
    assert_eq!(
        events_of(|| BreakerSignals::new("a".into()).explain_isolation("maintenance")),
        ["WARN buttress::breaker: circuit isolated by hand layer=a why=maintenance"]
    );
}

#[test]
fn rejections_are_at_debug() {
    assert_eq!(
        breaker_events(BreakerEvent::Rejected(Reason::CircuitOpen)),
        ["DEBUG buttress::breaker: call rejected layer=a reason=circuit_open"]
    );
    assert_eq!(
        breaker_events(BreakerEvent::WouldReject(Reason::CircuitHalfOpen)),
        [
            "DEBUG buttress::breaker: call would have been rejected layer=a \
             reason=circuit_half_open"
        ]
    );
}

#[test]
fn normal_calls_emit_no_event() {
    for event in [
        BreakerEvent::Cancelled,
        BreakerEvent::Settled(Outcome::Failure(FailureKind::Error)),
        BreakerEvent::Slow,
        BreakerEvent::Stale,
    ] {
        assert_eq!(breaker_events(event), [""; 0]);
    }
}

#[test]
fn a_keyed_circuit_has_its_key_in_events() {
    let events_of = events_of(|| {
        BreakerSignals::new("a".into())
            .with_key("host-7".into())
            .emit(BreakerEvent::Rejected(Reason::CircuitOpen));
    });
    assert_eq!(
        events_of,
        ["DEBUG buttress::breaker: call rejected layer=a key=host-7 reason=circuit_open"]
    );
}

#[test]
fn a_failure_is_logged_with_its_internal_text() {
    let error = ClassifiedError::new(Outcome::Success, "password of db-3 refused");
    let failed = |status| {
        events_of(|| {
            ProblemSignals::new().emit(ProblemEvent::Failed {
                status,
                error: &error,
                request_id: Some("r-1"),
            });
        })
    };
    let rest = "buttress::problem: request failed";
    let error = "request_id=r-1 error=password of db-3 refused (password of db-3 refused)";
    assert_eq!(failed(500), [format!("ERROR {rest} status=500 {error}")]);
    assert_eq!(failed(404), [format!("DEBUG {rest} status=404 {error}")]);
}

#[test]
fn a_rejected_request_names_the_layer_that_rejected() {
    let rejection = Rejection::new(Reason::CircuitOpen, "payments");
    let events_of = events_of(|| {
        ProblemSignals::new().emit(ProblemEvent::Rejected {
            status: 503,
            rejection: &rejection,
            request_id: None,
        });
    });
    assert_eq!(
        events_of,
        [
            "DEBUG buttress::problem: request rejected status=503 layer=payments \
             reason=circuit_open"
        ]
    );
}

#[test]
fn an_exceeded_deadline_has_the_phase() {
    for (event, line) in [
        (
            DeadlineEvent::Exceeded(Phase::BodyIdle),
            "deadline exceeded layer=a phase=body_idle",
        ),
        (
            DeadlineEvent::Rejected(Reason::DeadlineExpired),
            "call rejected layer=a reason=deadline_expired",
        ),
        (
            DeadlineEvent::WouldReject(Reason::DeadlineTooShort),
            "call would have been rejected layer=a reason=deadline_too_short",
        ),
    ] {
        let events_of = events_of(|| DeadlineSignals::new("a".into()).emit(event));
        assert_eq!(events_of, [format!("DEBUG buttress::deadline: {line}")]);
    }
}

#[test]
fn a_malformed_header_is_named() {
    let event = HttpEvent::MalformedHeader(Header::GrpcRetryPushback);
    assert_eq!(
        events_of(|| HttpSignals::new().emit(event)),
        ["DEBUG buttress::http: malformed header ignored header=grpc-retry-pushback-ms"]
    );
}

#[test]
fn a_subscriber_that_panics_does_not_reach_the_caller() {
    struct Panicking;

    impl<S: Subscriber> Layer<S> for Panicking {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            panic!("subscriber")
        }
    }

    tracing::subscriber::with_default(registry().with(Panicking), || {
        BreakerSignals::new("a".into()).emit(BreakerEvent::Rejected(Reason::CircuitOpen));
        HttpSignals::new().emit(HttpEvent::MalformedHeader(Header::RetryAfter));
    });
}

#[test]
fn arming_is_a_warning_and_an_injection_is_at_debug() {
    let breach = Breach {
        measure: Measure::FailureRatio,
        value: 0.5,
        bound: 0.1,
    };
    let events = [
        ChaosEvent::Armed { faults: 2, seed: 7 },
        ChaosEvent::Injected {
            fault: "slow",
            kind: "delay",
        },
        ChaosEvent::Suppressed(Suppressed::MaxActive),
        ChaosEvent::Stopped { fault: "slow" },
        ChaosEvent::Disarmed(Disarming::Hand),
        ChaosEvent::Disarmed(Disarming::Ended(End::Breached(breach))),
    ];
    let lines = events_of(|| {
        let signals = ChaosSignals::new("a".into());
        events.into_iter().for_each(|event| signals.emit(event));
    });
    assert_eq!(
        lines,
        [
            "WARN buttress::chaos: faults armed layer=a faults=2 seed=7",
            "DEBUG buttress::chaos: fault injected layer=a fault=slow kind=delay",
            "DEBUG buttress::chaos: fault suppressed layer=a reason=max_active",
            "WARN buttress::chaos: fault stopped layer=a fault=slow",
            "WARN buttress::chaos: faults disarmed layer=a by=hand",
            "WARN buttress::chaos: faults disarmed layer=a by=breached \
             breach=failure ratio is 50.00%, but must be at most 10.00%",
        ]
    );
}

fn breaker_events(event: BreakerEvent) -> Vec<String> {
    events_of(|| BreakerSignals::new("a".into()).emit(event))
}

/// The events of `act`, one per line.
fn events_of(act: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    tracing::subscriber::with_default(registry().with(lines.clone()), act);
    let lines = lines.0.lock().expect("no test panics while it writes");
    lines.clone()
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (level, target) = (event.metadata().level(), event.metadata().target());
        let mut line = Line(format!("{level} {target}:"));
        event.record(&mut line);
        self.0.lock().expect("as above").push(line.0);
    }
}

struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, error: &(dyn std::error::Error + 'static)) {
        let source = error.source().map(ToString::to_string).unwrap_or_default();
        self.record_debug(field, &format_args!("{error} ({source})"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let written = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
        written.expect("a string can be written to");
    }
}
