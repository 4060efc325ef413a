//! Every interleaving of calls that an armed plan may affect.

use std::time::{Duration, Instant};

use buttress_core::Ratio;
use buttress_core::chaos::{
    Answer, ArmedPlan, Bounds, Fault, Plan, PlannedFault, SteadyState, SteadyStateConfig, Verdict,
};
use loom::sync::Arc;
use loom::thread;

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

fn armed(bounds: Bounds) -> Arc<ArmedPlan> {
    let plan = Plan::new(1)
        .fault(PlannedFault::new("down", Fault::Answer(Answer::Error)))
        .bounds(bounds);
    Arc::new(ArmedPlan::new(plan, None, epoch()).expect("valid"))
}

/// Makes a call. Returns whether it was affected.
fn call(arming: &ArmedPlan, most: u64) -> bool {
    match arming.decide(&(), 0, epoch()) {
        Verdict::Inject(_, active) => {
            assert!(arming.active() <= most);
            arming.release(active);
            true
        }
        _ => false,
    }
}

#[test]
fn the_maximum_of_affected_calls_is_never_exceeded() {
    loom::model(|| {
        let arming = armed(Bounds::default().max_active(1));
        let other = {
            let arming = Arc::clone(&arming);
            thread::spawn(move || call(&arming, 1))
        };
        go_last();
        let mut affected = u64::from(call(&arming, 1));
        affected += u64::from(other.join().expect("ended"));
        assert!(affected >= 1);
        assert_eq!((arming.active(), arming.totals()), (0, (2, affected)));
    });
}

#[test]
fn no_interleaving_widens_the_blast_radius() {
    loom::model(|| {
        let arming = armed(Bounds::default().blast_radius(Ratio::HALF));
        let other = {
            let arming = Arc::clone(&arming);
            thread::spawn(move || {
                call(&arming, 2);
                call(&arming, 2);
            })
        };
        go_last();
        call(&arming, 2);
        other.join().expect("ended");
        let (calls, affected) = arming.totals();
        assert!(calls == 3 && affected <= 1, "{affected} of {calls}");
    });
}

/// A thread that records and then checks may skip the check if it saw no failure. If the failures of two threads
/// together are a breach, at least one of them must report it.
#[test]
fn no_interleaving_hides_a_breach_from_all_callers() {
    fn fail(state: &SteadyState) -> bool {
        state.record(true, Duration::ZERO, epoch());
        state.breach(epoch()).is_some()
    }
    loom::model(|| {
        let config = SteadyStateConfig::default().failure_ratio(Ratio::HALF);
        let config = config.minimum_calls(3);
        let state = Arc::new(SteadyState::new(config, epoch()).expect("valid"));
        let other = {
            let state = Arc::clone(&state);
            thread::spawn(move || fail(&state))
        };
        go_last();
        state.record(false, Duration::ZERO, epoch());
        let mine = fail(&state);
        let others = other.join().expect("ended");
        assert!(mine || others);
        assert!(state.breach(epoch()).is_some());
    });
}
