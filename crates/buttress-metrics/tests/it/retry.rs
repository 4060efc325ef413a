//! The metrics of a retry, its budget and a hedge.
use std::time::Duration;

use buttress_core::retry::StopReason;
use buttress_core::{FailureKind, Outcome};
use buttress_metrics::{BudgetSignals, HedgeEvent, HedgeSignals, RetryEvent, RetrySignals, names};
use metrics::with_local_recorder;
use metrics_util::debugging::DebuggingRecorder;

use crate::common::Recorded;

fn recorded(emit: impl FnOnce()) -> Vec<(&'static str, String, f64)> {
    let recorder = DebuggingRecorder::new();
    with_local_recorder(&recorder, emit);
    let recorded = Recorded::read(&recorder.snapshotter());
    let metrics = names::ALL.iter().flat_map(|metric| {
        let series = recorded.nonzero(metric.name);
        series
            .into_iter()
            .map(|(labels, value)| (metric.name, labels, value))
    });
    metrics.collect()
}

#[test]
fn each_event_increments_its_counter_once() {
    let cause = FailureKind::Overload;
    let retrying = RetryEvent::Retrying {
        cause,
        attempt: 2,
        after: Duration::ZERO,
    };
    let outcome = Outcome::Failure(cause);
    for (event, what, labels) in [
        (RetryEvent::Attempted(outcome), "attempts", "a overload"),
        (
            RetryEvent::Attempted(Outcome::Success),
            "attempts",
            "a success",
        ),
        (RetryEvent::Cancelled, "attempts", "a cancelled"),
        (retrying, "retries", "a overload"),
        (RetryEvent::WouldRetry(cause), "would_retry", "a overload"),
    ] {
        let counted = recorded(|| RetrySignals::new("a".into()).emit(event));
        let name = format!("buttress_retry_{what}_total");
        assert_eq!(counted, [(&*name, labels.to_owned(), 1.0)], "{event:?}");
    }
}

#[test]
fn every_stop_has_its_own_series() {
    for reason in StopReason::ALL {
        let event = RetryEvent::Stopped {
            reason,
            attempts: 1,
        };
        let counted = recorded(|| RetrySignals::new("a".into()).emit(event));
        let labels = format!("a {}", reason.as_str());
        assert_eq!(counted, [("buttress_retry_stops_total", labels, 1.0)]);
    }
}

#[test]
fn every_hedge_has_its_own_series() {
    for event in HedgeEvent::ALL {
        let counted = recorded(|| HedgeSignals::new("a".into()).emit(event));
        let labels = format!("a {}", event.as_str());
        assert_eq!(counted, [("buttress_retry_hedges_total", labels, 1.0)]);
    }
}

#[test]
fn the_balance_is_the_last_value_until_its_budget_is_dropped() {
    let name = "buttress_retry_budget_balance";
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    with_local_recorder(&recorder, || {
        let (one, other) = (
            BudgetSignals::new("a".into()),
            BudgetSignals::new("a".into()),
        );
        one.show_balance(7);
        other.show_balance(2);
        one.show_balance(3);
        let balance = Recorded::read(&snapshotter).value(name, &["a"]);
        assert_eq!(balance, Some(5.0));
        drop(one);
    });
    // Reading the gauge resets it in this recorder.
    let balance = Recorded::read(&snapshotter).value(name, &["a"]);
    assert_eq!(balance, Some(-5.0));
}
