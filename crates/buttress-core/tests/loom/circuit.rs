//! Every interleaving of small scenarios, and every value that the memory model allows a load to return.

use std::time::{Duration, Instant};

use buttress_core::circuit::{BreakerConfig, Circuit, CircuitState, OpenDuration, Permit};
use buttress_core::window::{History, Mark, Successes, Window};
use buttress_core::{Ending, FailureKind, Report};
use loom::sync::{Arc, Mutex};
use loom::thread;

const FAILURE: Report = Report::failure(FailureKind::Error);
const SECOND: Duration = Duration::from_secs(1);

/// A fixed instant to count from. The clock is read once, since an `Instant` cannot be created otherwise.
#[allow(clippy::disallowed_methods)]
fn epoch() -> Instant {
    static EPOCH: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

/// Lets the other threads run first; loom then finds the other orders from there. By itself, loom 0.7 starts with this
/// thread and may then try no other order: see `budget.rs`.
fn go_last() {
    thread::yield_now();
}

fn config() -> BreakerConfig {
    BreakerConfig::default()
        .window(Window::Count(10))
        .minimum_calls(10)
        .open_for(OpenDuration::Fixed(SECOND))
        .probes(2)
}

fn circuit(config: BreakerConfig) -> Arc<Circuit> {
    Arc::new(Circuit::new(config, epoch()).expect("valid"))
}

fn admitted(circuit: &Circuit, after: Duration) -> Option<Permit> {
    circuit.admit(epoch() + after, || 0).verdict.ok()
}

fn settle(circuit: &Circuit, permit: Permit, report: Report, after: Duration) -> bool {
    !circuit.settle(permit, report, epoch() + after, || 0).stale
}

#[test]
fn successes_are_neither_lost_nor_doubled() {
    loom::model(|| {
        let circuit = circuit(config());
        let calls: Vec<_> = (0..2)
            .map(|_| {
                let circuit = Arc::clone(&circuit);
                thread::spawn(move || {
                    let permit = admitted(&circuit, SECOND).expect("closed");
                    settle(&circuit, permit, Report::SUCCESS, SECOND)
                })
            })
            .collect();
        go_last();
        let permit = admitted(&circuit, SECOND).expect("closed");
        assert!(settle(&circuit, permit, FAILURE, SECOND));
        for call in calls {
            assert!(call.join().expect("ended"));
        }
        let counts = circuit.snapshot(epoch() + SECOND).counts;
        assert_eq!((counts.calls, counts.failures), (3, 1));
    });
}

#[test]
fn a_call_from_before_a_reset_is_not_in_the_window_after_it() {
    loom::model(|| {
        let circuit = circuit(config());
        let permit = admitted(&circuit, SECOND).expect("closed");
        let other = Arc::clone(&circuit);
        let call = thread::spawn(move || settle(&other, permit, Report::SUCCESS, SECOND));
        go_last();
        circuit.reset(epoch() + SECOND);
        let _ = call.join();
        assert_eq!(circuit.snapshot(epoch() + SECOND).counts.calls, 0);
    });
}

/// The same for calls that are counted without computing the bucket from the time: see `window/tick.rs`.
#[test]
fn a_call_in_a_remembered_tick_is_not_in_the_window_after_a_reset() {
    loom::model(|| {
        let circuit = circuit(config());
        for _ in 0..2 {
            let first = admitted(&circuit, SECOND).expect("closed");
            settle(&circuit, first, Report::SUCCESS, SECOND);
        }
        let permit = admitted(&circuit, SECOND).expect("closed");
        let other = Arc::clone(&circuit);
        let call = thread::spawn(move || settle(&other, permit, Report::SUCCESS, SECOND));
        go_last();
        circuit.reset(epoch() + SECOND);
        let _ = call.join();
        assert_eq!(circuit.snapshot(epoch() + SECOND).counts.calls, 0);
        // A call after the reset is counted.
        let next = admitted(&circuit, SECOND).expect("closed");
        assert!(settle(&circuit, next, Report::SUCCESS, SECOND));
        assert_eq!(circuit.snapshot(epoch() + SECOND).counts.calls, 1);
    });
}

#[test]
fn calls_in_a_remembered_tick_are_kept_by_a_new_configuration() {
    loom::model(|| {
        let circuit = circuit(config());
        for _ in 0..2 {
            let first = admitted(&circuit, SECOND).expect("closed");
            settle(&circuit, first, Report::SUCCESS, SECOND);
        }
        let permit = admitted(&circuit, SECOND).expect("closed");
        let other = Arc::clone(&circuit);
        let call = thread::spawn(move || settle(&other, permit, Report::SUCCESS, SECOND));
        go_last();
        let wider = config().window(Window::Count(20));
        circuit.reconfigure(wider, epoch() + SECOND).expect("valid");
        assert!(call.join().expect("ended"));
        assert_eq!(circuit.snapshot(epoch() + SECOND).counts.calls, 3);
    });
}

#[test]
fn a_call_from_before_a_trip_is_not_in_the_window_after_recovery() {
    loom::model(|| {
        let circuit = circuit(config().consecutive_failures(1).probes(1));
        let late = admitted(&circuit, Duration::ZERO).expect("closed");
        let last = admitted(&circuit, Duration::ZERO).expect("closed");
        let other = Arc::clone(&circuit);
        let late = thread::spawn(move || settle(&other, late, Report::SUCCESS, SECOND));
        go_last();
        assert!(settle(&circuit, last, FAILURE, Duration::ZERO));
        let probe = admitted(&circuit, SECOND).expect("half-open");
        assert!(settle(&circuit, probe, Report::SUCCESS, SECOND));
        let _ = late.join();
        assert_eq!(circuit.state(), CircuitState::Closed);
        assert_eq!(circuit.snapshot(epoch() + SECOND).counts.calls, 0);
    });
}

/// The window alone: a writer that was delayed across a reset must not erase what was recorded after it.
#[test]
fn a_late_writer_erases_nothing_of_the_next_generation() {
    loom::model(|| {
        let window = Window::Count(10);
        let successes = Arc::new(Successes::new(window));
        let history = Arc::new(Mutex::new(History::new(window)));
        let late = {
            let successes = Arc::clone(&successes);
            let generation = successes.generation();
            thread::spawn(move || successes.add(generation, 0))
        };
        let next = {
            let (successes, history) = (Arc::clone(&successes), Arc::clone(&history));
            thread::spawn(move || {
                history.lock().expect("whole").clear(&successes);
                successes.add(successes.generation(), 0);
            })
        };
        late.join().expect("ended");
        next.join().expect("ended");
        let counts = history.lock().expect("whole").counts(&successes, 0);
        assert_eq!(counts.calls, 1);
    });
}

/// A failure that needs the sum collects the successes of a count window while they are being counted.
#[test]
fn taking_the_successes_out_of_a_count_window_loses_none() {
    loom::model(|| {
        let window = Window::Count(10);
        let successes = Arc::new(Successes::new(window));
        let other = Arc::clone(&successes);
        let adding = thread::spawn(move || {
            other.add(other.generation(), 0);
            other.add(other.generation(), 0);
        });
        go_last();
        let mut history = History::new(window);
        let failed = Mark {
            failed: true,
            slow: false,
        };
        history.record(&successes, 0, failed);
        history.counts(&successes, 0);
        adding.join().expect("ended");
        let counts = history.counts(&successes, 0);
        assert_eq!((counts.calls, counts.failures), (3, 1));
    });
}

#[test]
fn a_success_among_failures_ends_the_row() {
    loom::model(|| {
        let circuit = circuit(config().consecutive_failures(9));
        for _ in 0..2 {
            let permit = admitted(&circuit, SECOND).expect("closed");
            settle(&circuit, permit, FAILURE, SECOND);
        }
        let success = admitted(&circuit, SECOND).expect("closed");
        let failure = admitted(&circuit, SECOND).expect("closed");
        let other = Arc::clone(&circuit);
        let call = thread::spawn(move || settle(&other, success, Report::SUCCESS, SECOND));
        go_last();
        settle(&circuit, failure, FAILURE, SECOND);
        let _ = call.join();
        // In either order, at most one failure follows the success.
        let row = circuit.snapshot(epoch() + SECOND).consecutive_failures;
        assert!(row <= 1, "{row} failures in a row");
    });
}

#[test]
fn no_more_probes_than_configured_are_admitted() {
    loom::model(|| {
        let circuit = circuit(config());
        circuit.trip(epoch(), || 0);
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let circuit = Arc::clone(&circuit);
                thread::spawn(move || u32::from(admitted(&circuit, SECOND).is_some()))
            })
            .collect();
        go_last();
        let mine = u32::from(admitted(&circuit, SECOND).is_some());
        let theirs = callers
            .into_iter()
            .map(|caller| caller.join().expect("ended"));
        assert_eq!(mine + theirs.sum::<u32>(), 2);
    });
}

#[test]
fn a_cancelled_probe_gives_its_slot_back_and_a_settled_one_its_verdict() {
    loom::model(|| {
        let circuit = circuit(config());
        circuit.trip(epoch(), || 0);
        let cancelled = admitted(&circuit, SECOND).expect("half-open");
        let settled = admitted(&circuit, SECOND).expect("half-open");
        let other = Arc::clone(&circuit);
        let cancel = thread::spawn(move || {
            let settlement = other.cancel(cancelled, Ending::Abandoned, epoch() + SECOND, || 0);
            assert!(settlement.freed && !settlement.stale);
        });
        go_last();
        assert!(settle(&circuit, settled, Report::SUCCESS, SECOND));
        // A third call gets the free slot now, or once the cancelled probe has released its slot.
        let third = admitted(&circuit, SECOND);
        cancel.join().expect("ended");
        let third = third.or_else(|| admitted(&circuit, SECOND)).expect("free");
        assert_eq!(circuit.state(), CircuitState::HalfOpen);
        settle(&circuit, third, Report::SUCCESS, SECOND);
        assert_eq!(circuit.state(), CircuitState::Closed);
    });
}

#[test]
fn of_a_verdict_and_a_trip_the_later_holds() {
    loom::model(|| {
        let circuit = circuit(config().probes(1));
        circuit.trip(epoch(), || 0);
        let probe = admitted(&circuit, SECOND).expect("half-open");
        let other = Arc::clone(&circuit);
        let trip = thread::spawn(move || other.trip(epoch() + SECOND, || 0));
        go_last();
        let heard = settle(&circuit, probe, Report::SUCCESS, SECOND);
        let trip = trip.join().expect("ended").expect("opened");
        let from = if heard {
            CircuitState::Closed
        } else {
            CircuitState::HalfOpen
        };
        assert_eq!(trip.from, from);
        assert_eq!(circuit.state(), CircuitState::Open);
    });
}

/// A rejection that takes no lock has the retry time of either the old opening or the new one.
#[test]
fn a_rejection_has_the_time_of_the_old_opening_or_the_new() {
    loom::model(|| {
        let circuit = circuit(config());
        circuit.trip(epoch(), || 0);
        let other = Arc::clone(&circuit);
        let trip = thread::spawn(move || {
            other.trip(epoch() + SECOND / 2, || 0);
        });
        go_last();
        let admission = circuit.admit(epoch() + SECOND / 2, || 0);
        let refusal = admission.verdict.expect_err("open");
        let left = refusal.retry_after.expect("known");
        assert!(left == SECOND / 2 || left == SECOND, "{left:?}");
        trip.join().expect("ended");
    });
}
