//! Recorders that are installed late, panic, have no size, or emit themselves.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use buttress_core::circuit::{Cause, CircuitState};
use buttress_core::{Outcome, Reason};
use buttress_metrics::{
    BreakerEvent, BreakerSignals, Header, HttpEvent, HttpSignals, ProblemEvent, ProblemSignals,
};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString,
    Unit, with_local_recorder,
};
use metrics_util::debugging::DebuggingRecorder;

use crate::common::{Recorded, step};

#[test]
fn a_handle_keeps_the_first_recorder() {
    let (first, second) = (DebuggingRecorder::new(), DebuggingRecorder::new());
    let signals = BreakerSignals::new("a".into());
    signals.emit(BreakerEvent::Slow);
    for recorder in [&first, &second] {
        with_local_recorder(recorder, || signals.emit(BreakerEvent::Slow));
    }
    signals.emit(BreakerEvent::Slow);

    let slow = |recorder: &DebuggingRecorder| {
        Recorded::read(&recorder.snapshotter()).value("buttress_breaker_slow_calls_total", &["a"])
    };
    // The event before there was a recorder is lost; all later ones are counted, whether it is active or not.
    assert_eq!(slow(&first), Some(3.0));
    assert_eq!(slow(&second), None);
}

#[test]
fn a_recorder_that_panics_when_it_records_does_not_reach_the_caller() {
    emit_everything(&Panicking { late: true });
}

#[test]
fn a_recorder_that_panics_when_it_registers_does_not_reach_the_caller() {
    emit_everything(&Panicking { late: false });
}

#[test]
fn a_signal_lost_while_unwinding_does_not_abort() {
    struct Emits(BreakerSignals);

    impl Drop for Emits {
        fn drop(&mut self) {
            self.0.emit(BreakerEvent::Cancelled);
        }
    }

    let recorder = Panicking { late: true };
    let emits = with_local_recorder(&recorder, || Emits(BreakerSignals::new("a".into())));
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _emits = emits;
        panic!("a panic of the caller");
    }));
    let payload = unwound.expect_err("the panic continues");
    assert_eq!(payload.downcast_ref(), Some(&"a panic of the caller"));
}

#[test]
fn a_recorder_that_emits_while_it_registers_does_not_block() {
    let signals = Arc::new(BreakerSignals::new("a".into()));
    let recorder = Reentrant {
        signals: Arc::clone(&signals),
        inner: DebuggingRecorder::new(),
        depth: std::cell::Cell::new(0),
    };
    with_local_recorder(&recorder, || signals.emit(BreakerEvent::Slow));
    let recorded = Recorded::read(&recorder.inner.snapshotter());
    let slow = recorded.value("buttress_breaker_slow_calls_total", &["a"]);
    assert!(slow >= Some(1.0), "{slow:?}");
}

#[test]
fn a_local_recorder_without_a_size_records_through_a_reference() {
    struct Sizeless;

    impl Recorder for Sizeless {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }
        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }
        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    let (signals, other) = (BreakerSignals::new("a".into()), DebuggingRecorder::new());
    with_local_recorder(&&Sizeless, || signals.emit(BreakerEvent::Slow));
    with_local_recorder(&other, || signals.emit(BreakerEvent::Slow));
    let recorded = Recorded::read(&other.snapshotter());
    let slow = recorded.value("buttress_breaker_slow_calls_total", &["a"]);
    assert_eq!(slow, None, "the handles are those of the first");
}

fn emit_everything(recorder: &dyn Recorder) {
    with_local_recorder(recorder, || {
        let signals = BreakerSignals::new("a".into());
        let opened = step(CircuitState::Closed, CircuitState::Open, Cause::Trip);
        let odd = step(CircuitState::Closed, CircuitState::Recovering, Cause::Trip);
        for event in [
            BreakerEvent::Cancelled,
            BreakerEvent::Rejected(Reason::CircuitOpen),
            BreakerEvent::Settled(Outcome::Success),
            BreakerEvent::Slow,
            BreakerEvent::Stale,
            BreakerEvent::Transition(opened),
            BreakerEvent::Transition(odd),
            BreakerEvent::WouldReject(Reason::CircuitOpen),
        ] {
            signals.emit(event);
        }
        ProblemSignals::new().emit(ProblemEvent::Failed {
            status: 500,
            error: &std::fmt::Error,
            request_id: None,
        });
        HttpSignals::new().emit(HttpEvent::MalformedHeader(Header::GrpcStatus));
    });
}

/// Panics on each registration, or later on each use of an instrument.
struct Panicking {
    late: bool,
}

struct PanickingHandle;

impl CounterFn for PanickingHandle {
    fn increment(&self, _: u64) {
        panic!("recorder")
    }
    fn absolute(&self, _: u64) {
        panic!("recorder")
    }
}

impl GaugeFn for PanickingHandle {
    fn increment(&self, _: f64) {
        panic!("recorder")
    }
    fn decrement(&self, _: f64) {
        panic!("recorder")
    }
    fn set(&self, _: f64) {
        panic!("recorder")
    }
}

impl Recorder for Panicking {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        assert!(self.late, "recorder");
        Counter::from_arc(Arc::new(PanickingHandle))
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        assert!(self.late, "recorder");
        Gauge::from_arc(Arc::new(PanickingHandle))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// Emits once, during a registration.
struct Reentrant {
    signals: Arc<BreakerSignals>,
    inner: DebuggingRecorder,
    depth: std::cell::Cell<u32>,
}

impl Recorder for Reentrant {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.inner.describe_counter(name, unit, text);
    }
    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.inner.describe_gauge(name, unit, text);
    }
    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.inner.describe_histogram(name, unit, text);
    }
    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        if self.depth.replace(1) == 0 {
            self.signals.emit(BreakerEvent::Slow);
        }
        self.inner.register_counter(key, metadata)
    }
    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.inner.register_gauge(key, metadata)
    }
    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.inner.register_histogram(key, metadata)
    }
}
