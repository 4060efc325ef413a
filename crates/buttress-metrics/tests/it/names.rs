//! The emitted metrics are the declared ones.
use std::collections::{BTreeMap, HashSet};

use buttress_core::circuit::{Cause, CircuitState};
use buttress_core::{FailureKind, Outcome, Reason, Rejection};
use buttress_metrics::names::{self, Kind};
use buttress_metrics::{
    BreakerEvent, BreakerSignals, BudgetSignals, ChaosEvent, ChaosSignals, DeadlineSignals, Header,
    HedgeEvent, HedgeSignals, HttpEvent, HttpSignals, Limiter, LimiterEvent, LimiterSignals,
    ProblemEvent, ProblemSignals, RetryEvent, RetrySignals,
};
use metrics::{Unit, with_local_recorder};
use metrics_util::MetricKind;
use metrics_util::debugging::DebuggingRecorder;

use crate::common::{Recorded, step};

#[test]
fn emitted_and_declared_metrics_are_the_same() {
    let recorder = DebuggingRecorder::new();
    with_local_recorder(&recorder, || {
        BreakerSignals::new("a".into()).emit(BreakerEvent::Slow);
        LimiterSignals::new(Limiter::Bulkhead, "a".into(), 64).emit(LimiterEvent::LimitChanged(20));
        DeadlineSignals::new("a".into()).register();
        LimiterSignals::new(Limiter::Shedder, "a".into(), 20).emit(LimiterEvent::LimitChanged(30));
        ProblemSignals::new().emit(ProblemEvent::Failed {
            status: 500,
            error: &std::fmt::Error,
            request_id: None,
        });
        RetrySignals::new("a".into()).emit(RetryEvent::Cancelled);
        BudgetSignals::new("a".into()).show_balance(1);
        HedgeSignals::new("a".into()).emit(HedgeEvent::Won);
        HttpSignals::new().emit(HttpEvent::MalformedHeader(Header::RetryAfter));
        ChaosSignals::new("a".into()).emit(ChaosEvent::Armed { faults: 1, seed: 7 });
    });

    let declared: BTreeMap<_, _> = names::ALL
        .iter()
        .map(|metric| {
            let kind = match metric.kind {
                Kind::Gauge => MetricKind::Gauge,
                Kind::Histogram => MetricKind::Histogram,
                _ => MetricKind::Counter,
            };
            let unit = Unit::from_string(metric.unit);
            assert!(unit.is_some(), "{} has no unit", metric.name);
            let labels = metric.labels.iter().copied().map(String::from).collect();
            let described = (kind, unit, metric.description.to_owned(), labels);
            (metric.name.to_owned(), described)
        })
        .collect();
    assert_eq!(declared.len(), names::ALL.len(), "a name is declared twice");
    assert_eq!(
        Recorded::read(&recorder.snapshotter()).described(),
        declared
    );
}

#[test]
fn names_follow_the_convention() {
    for metric in names::ALL {
        let name = metric.name;
        assert!(name.starts_with("buttress_"), "{name}");
        assert!(
            name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
            "{name}"
        );
        assert_eq!(
            metric.kind == Kind::Counter,
            name.ends_with("_total"),
            "{name}"
        );
        assert!(metric.description.ends_with('.'), "{name}");
    }
    let descriptions: HashSet<_> = names::ALL.iter().map(|m| m.description).collect();
    assert_eq!(descriptions.len(), names::ALL.len());
}

#[test]
fn the_docs_list_every_metric() {
    let docs = include_str!("../../src/lib.rs");
    for metric in names::ALL {
        let kind = match metric.kind {
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            _ => "counter",
        };
        let labels: Vec<_> = metric.labels.iter().map(|l| format!("`{l}`")).collect();
        let (name, unit, labels) = (metric.name, metric.unit, labels.join(", "));
        let row = format!("//! | `{name}` | {kind} | {unit} | {labels} |\n");
        assert!(docs.contains(&row), "missing: {row}");
    }
}

#[test]
fn each_event_increments_its_counter_once() {
    let opened = step(
        CircuitState::Closed,
        CircuitState::Open,
        Cause::FailureRatio,
    );
    let cases = [
        (BreakerEvent::Cancelled, "calls_total", "a cancelled"),
        (
            BreakerEvent::Rejected(Reason::CircuitHalfOpen),
            "rejections_total",
            "a circuit_half_open",
        ),
        (BreakerEvent::Slow, "slow_calls_total", "a"),
        (BreakerEvent::Stale, "stale_outcomes_total", "a"),
        (
            BreakerEvent::Transition(opened),
            "transitions_total",
            "a open failure_ratio",
        ),
        (
            BreakerEvent::WouldReject(Reason::CircuitOpen),
            "would_reject_total",
            "a circuit_open",
        ),
    ];
    let outcomes = [
        (Outcome::Success, "a success"),
        (Outcome::Ignored, "a ignored"),
        (Outcome::Failure(FailureKind::Error), "a error"),
        (Outcome::Failure(FailureKind::Timeout), "a timeout"),
        (Outcome::Failure(FailureKind::Overload), "a overload"),
        (Outcome::Failure(FailureKind::Transport), "a transport"),
    ];
    let settled =
        outcomes.map(|(outcome, labels)| (BreakerEvent::Settled(outcome), "calls_total", labels));

    for (event, what, labels) in cases.into_iter().chain(settled) {
        let recorder = DebuggingRecorder::new();
        with_local_recorder(&recorder, || BreakerSignals::new("a".into()).emit(event));
        let recorded = Recorded::read(&recorder.snapshotter());
        let counted: Vec<_> = names::ALL
            .iter()
            .filter(|metric| metric.kind == Kind::Counter)
            .flat_map(|metric| {
                let series = recorded.nonzero(metric.name);
                series
                    .into_iter()
                    .map(|(labels, value)| (metric.name, labels, value))
            })
            .collect();
        let name = format!("buttress_breaker_{what}");
        assert_eq!(counted, [(&*name, labels.to_owned(), 1.0)], "{event:?}");
    }
}

#[test]
fn series_start_at_zero_before_the_first_event() {
    let recorder = DebuggingRecorder::new();
    let _signals = with_local_recorder(&recorder, || BreakerSignals::new("a".into()));
    let recorded = Recorded::read(&recorder.snapshotter());
    let zero = |name, labels: &[&str]| assert_eq!(recorded.value(name, labels), Some(0.0));
    zero("buttress_breaker_calls_total", &["a", "timeout"]);
    zero("buttress_breaker_rejections_total", &["a", "circuit_open"]);
    zero("buttress_breaker_transitions_total", &["a", "open", "trip"]);
}

#[test]
fn an_unlisted_label_is_counted() {
    let recorder = DebuggingRecorder::new();
    let rejection = Rejection::new(Reason::CircuitOpen, "a");
    with_local_recorder(&recorder, || {
        let signals = ProblemSignals::new();
        for _ in 0..2 {
            signals.emit(ProblemEvent::Rejected {
                status: 418,
                rejection: &rejection,
                request_id: None,
            });
        }
        let odd = step(CircuitState::Closed, CircuitState::Recovering, Cause::Trip);
        BreakerSignals::new("a".into()).emit(BreakerEvent::Transition(odd));
    });
    let recorded = Recorded::read(&recorder.snapshotter());
    assert_eq!(
        recorded.value("buttress_problem_responses_total", &["418", "circuit_open"]),
        Some(2.0)
    );
    assert_eq!(
        recorded.value(
            "buttress_breaker_transitions_total",
            &["a", "recovering", "trip"]
        ),
        Some(1.0)
    );
}

#[test]
fn a_rejection_has_one_series_with_its_status() {
    let recorder = DebuggingRecorder::new();
    let status = |reason| match reason {
        Reason::DeadlineExpired => 504,
        Reason::TenantOverShare => 429,
        _ => 503,
    };
    with_local_recorder(&recorder, || {
        let rejection = Rejection::new(Reason::CircuitOpen, "a");
        let signals = ProblemSignals::new().statuses(status);
        signals.emit(ProblemEvent::Rejected {
            status: 503,
            rejection: &rejection,
            request_id: None,
        });
    });
    let recorded = Recorded::read(&recorder.snapshotter());
    for &reason in Reason::ALL {
        let series = ["429", "503", "504"].map(|status| {
            recorded.value(
                "buttress_problem_responses_total",
                &[status, reason.as_str()],
            )
        });
        let expected = ["429", "503", "504"].map(|text| {
            let counted = if reason == Reason::CircuitOpen {
                1.0
            } else {
                0.0
            };
            (text == status(reason).to_string()).then_some(counted)
        });
        assert_eq!(series, expected, "{reason:?}");
    }
}

#[test]
fn problems_are_counted_by_status_and_reason() {
    let recorder = DebuggingRecorder::new();
    let rejection = Rejection::new(Reason::CircuitIsolated, "a");
    with_local_recorder(&recorder, || {
        let signals = ProblemSignals::default();
        signals.emit(ProblemEvent::Rejected {
            status: 503,
            rejection: &rejection,
            request_id: Some("r"),
        });
        signals.emit(ProblemEvent::Failed {
            status: 504,
            error: &std::fmt::Error,
            request_id: None,
        });
    });
    let recorded = Recorded::read(&recorder.snapshotter());
    let counted = recorded.nonzero("buttress_problem_responses_total");
    let expected = [("503 circuit_isolated", 1.0), ("504 error", 1.0)];
    assert_eq!(counted, expected.map(|(k, v)| (k.to_owned(), v)).into());
}

#[test]
fn malformed_headers_are_counted_by_name() {
    let recorder = DebuggingRecorder::new();
    with_local_recorder(&recorder, || {
        let signals = HttpSignals::default();
        for header in Header::ALL {
            signals.emit(HttpEvent::MalformedHeader(*header));
        }
    });
    let recorded = Recorded::read(&recorder.snapshotter());
    let counted = recorded.nonzero("buttress_http_malformed_headers_total");
    let expected = Header::ALL
        .iter()
        .map(|header| (header.as_str().to_owned(), 1.0));
    assert_eq!(counted, expected.collect());
}
