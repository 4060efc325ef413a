//! A recorder without a size, installed for the whole process.
//!
//! A separate file, because a process has only one such recorder.
#![cfg(feature = "metrics")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use buttress_metrics::{BreakerEvent, BreakerSignals};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

static SLOW_CALLS: AtomicU64 = AtomicU64::new(0);

/// Keeps its counts in statics.
struct Sizeless;

struct SlowCalls;

impl CounterFn for SlowCalls {
    fn increment(&self, by: u64) {
        SLOW_CALLS.fetch_add(by, Ordering::Relaxed);
    }
    fn absolute(&self, value: u64) {
        SLOW_CALLS.store(value, Ordering::Relaxed);
    }
}

impl Recorder for Sizeless {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        match key.name() {
            "buttress_breaker_slow_calls_total" => Counter::from_arc(Arc::new(SlowCalls)),
            _ => Counter::noop(),
        }
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn a_global_recorder_without_a_size_records() {
    let signals = BreakerSignals::new("a".into());
    signals.emit(BreakerEvent::Slow);
    assert!(metrics::set_global_recorder(Sizeless).is_ok());
    signals.emit(BreakerEvent::Slow);
    signals.emit(BreakerEvent::Slow);
    assert_eq!(SLOW_CALLS.load(Ordering::Relaxed), 2);
}
