//! A recorder installed for the whole process, after handles were created and used.
//!
//! A separate file, because a process has only one such recorder.
#![cfg(feature = "metrics")]

#[path = "it/common/mod.rs"]
mod common;

use buttress_core::Outcome;
use buttress_core::circuit::{Cause, CircuitState};
use buttress_metrics::{BreakerEvent, BreakerSignals, Header, HttpEvent, HttpSignals};
use metrics_util::debugging::DebuggingRecorder;

use crate::common::{Recorded, step};

#[test]
fn a_recorder_installed_late_sees_the_next_event() {
    let signals = BreakerSignals::new("a".into());
    let opened = step(CircuitState::Closed, CircuitState::Open, Cause::Trip);
    signals.emit(BreakerEvent::Settled(Outcome::Success));
    signals.emit(BreakerEvent::Transition(opened));
    HttpSignals::global().emit(HttpEvent::MalformedHeader(Header::RetryAfter));

    let recorder = DebuggingRecorder::new();
    let reader = recorder.snapshotter();
    assert!(recorder.install().is_ok());
    signals.emit(BreakerEvent::Settled(Outcome::Success));
    HttpSignals::global().emit(HttpEvent::MalformedHeader(Header::RetryAfter));

    let recorded = Recorded::read(&reader);
    for (name, labels, value) in [
        (
            "buttress_breaker_calls_total",
            ["a", "success"].as_slice(),
            1.0,
        ),
        (
            "buttress_breaker_transitions_total",
            &["a", "open", "trip"],
            0.0,
        ),
        ("buttress_breaker_state", &["a", "open"], 1.0),
        ("buttress_breaker_state", &["a", "closed"], 0.0),
        (
            "buttress_http_malformed_headers_total",
            &["retry-after"],
            1.0,
        ),
    ] {
        assert_eq!(
            recorded.value(name, labels),
            Some(value),
            "{name} {labels:?}"
        );
    }
}
