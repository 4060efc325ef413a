//! What a ready service guarantees, and what it may reserve.

use std::time::Duration;

use http::Response;

use super::Invariant;
use crate::Script;
use crate::call_state::CallState;
use crate::contract::Readiness;
use crate::finding::{Check, Finding, ensure};
use crate::harness::TestEnv;

pub(super) const FAMILY: &[Invariant] = &[
    Invariant {
        name: "R1",
        statement: "every attempt calls an instance that was polled ready for it",
        check: fresh_ready_per_attempt,
    },
    Invariant {
        name: "R2",
        statement: "the instance that was polled ready is the one called",
        check: readied_is_called,
    },
    Invariant {
        name: "R3",
        statement: "polling readiness again changes nothing",
        check: readiness_is_idempotent,
    },
    Invariant {
        name: "R4",
        statement: "a ready clone that is dropped releases its slot at once",
        check: dropped_readiness_returns,
    },
    Invariant {
        name: "R5",
        statement: "idle clones that were polled ready hold no slots",
        check: idle_clones_hold_nothing,
    },
    Invariant {
        name: "R6",
        statement: "a rejected caller leaves the queue",
        check: rejection_leaves_no_waiter,
    },
];

/// Whatever the inner service does, and however many attempts a call takes, each attempt calls an instance that was
/// polled ready since its last call.
///
/// Derived from calls of a fresh clone (tower#547, tower-resilience#286) and retries without a second `poll_ready`
/// (tower-resilience#362).
fn fresh_ready_per_attempt(env: &TestEnv<'_>) -> Check {
    let harness = env.harness();
    harness.probe.let_go();
    let failure = || Script::new().err("scripted failure");
    let success = || Script::new().ok(Response::default());
    for script in [success(), failure(), failure(), failure(), success()] {
        harness.probe.script_next(script);
    }
    harness
        .probe
        .script_next(Script::new().pending(2).ok(Response::default()));
    // A call that never ends by itself, so that hedges and timeouts apply.
    harness.probe.script_next(Script::new());

    let mut caller = harness.caller();
    for _ in 0..8 {
        for _ in 0..20 {
            if caller.poll().is_over() {
                break;
            }
            env.clock.advance(Duration::from_millis(500));
        }
        caller.again();
    }
    let unready = harness.probe.unready_calls();
    ensure(
        unready == 0,
        "no call of an instance that is not ready",
        format!("{unready} of {} such calls", harness.probe.calls()),
    )
}

/// An ordinary call uses the one inner instance that was readied, and polls no other.
///
/// Derived from readying a service that is then never called, which uses up a `Buffer` (tower#472, tower#709), and from
/// a missing `mem::replace` after a clone.
fn readied_is_called(env: &TestEnv<'_>) -> Check {
    let harness = env.harness();
    harness.probe.let_go();
    let mut caller = harness.caller();
    for _ in 0..3 {
        caller.expect(CallState::Responded, "a call of an idle service")?;
        caller.again();
    }
    let (readied, called) = (harness.probe.readied(), harness.probe.called());
    ensure(
        readied == called,
        format!("the instances that became ready, {readied:?}, are called"),
        format!("{called:?} were called"),
    )
}

/// A ready service stays ready, and a hundred further polls reserve nothing.
///
/// Derived from layers that acquire a permit with each poll.
fn readiness_is_idempotent(env: &TestEnv<'_>) -> Check {
    let harness = env.harness();
    let others = env.several() - 1;
    let mut caller = harness.caller();
    let became = caller.poll_ready();
    ensure(became, "an idle service is ready", "it is not")?;
    let (state, readied) = (harness.layer.read_state(), harness.probe.readied());
    for poll in 1..=100 {
        ensure(
            caller.poll_ready(),
            "a ready service stays ready",
            format!("after {poll} more polls it is not"),
        )?;
    }
    let after = harness.layer.read_state();
    ensure(
        state == after,
        format!("the state stays {state:?}"),
        format!("{after:?}"),
    )?;
    ensure(
        readied == harness.probe.readied(),
        "the inner service is reserved once",
        format!("the instances {:?} became ready", harness.probe.readied()),
    )?;
    harness.inside(others)?;
    Ok(())
}

/// A slot reserved by a ready clone is free as soon as the clone is dropped, and one waiter is woken for it, once.
///
/// Derived from layers that cannot release a reservation (tower#408, tower#434).
fn dropped_readiness_returns(env: &TestEnv<'_>) -> Check {
    let harness = env.harness();
    let _busy = harness.inside(env.several() - 1)?;
    let before = harness.probe.reserved();
    let mut idle = harness.caller();
    idle.poll_ready();
    if env.contract.capacity.is_some() {
        let mut next = harness.caller();
        match next.poll() {
            CallState::Waiting => {
                drop(idle);
                let wakes = next.wakes_since_poll();
                ensure(
                    wakes == 1,
                    "the next is woken once",
                    format!("{wakes} wakes"),
                )?;
            }
            CallState::Rejected => {
                drop(idle);
                next.again();
            }
            // The ready clone reserved nothing.
            _ => drop(idle),
        }
        next.expect(CallState::Inside, "the next caller")?;
    } else {
        drop(idle);
    }
    let after = harness.probe.reserved();
    ensure(
        after <= before,
        "its inner service is no longer readied",
        format!("{} more are than before", after - before),
    )
}

/// The test polls one clone ready per slot and then leaves the clones idle, as with keep-alive connections. A caller is
/// admitted within one poll; or, if the layer reserves on purpose and declares for how long, after that time.
///
/// Derived from tower's `ConcurrencyLimit` (tower#408, vector#26457): the fifth caller waits for ever with no call
/// inside.
fn idle_clones_hold_nothing(env: &TestEnv<'_>) -> Check {
    let harness = env.harness();
    let mut idle = harness.callers(env.several());
    for clone in &mut idle {
        clone.poll_ready();
    }
    match env.contract.readiness {
        Readiness::AtCall => {}
        Readiness::Reserve {
            idle_release: Some(after),
        } => env.clock.advance(after),
        Readiness::Reserve { idle_release: None } => {
            return Err(Finding::not_applicable("ready clones reserve, as declared"));
        }
    }
    let mut active = harness.caller();
    let who = format!("a caller beside {} idle ready clones", idle.len());
    active.expect(CallState::Inside, &who)
}

/// A caller is rejected, and keeps the service. When a slot becomes free, the next caller gets it.
///
/// Derived from tower's `LoadShed` over `ConcurrencyLimit`: the pending `acquire` of the rejected clone is assigned the
/// permit, so calls are shed with no call inside (vector#26457, tokio's fair semaphore: hephbuild/heph#238).
fn rejection_leaves_no_waiter(env: &TestEnv<'_>) -> Check {
    let harness = env.harness();
    let mut full = harness.full()?;
    let mut rejected = harness.caller();
    if rejected.poll() != CallState::Rejected {
        return Err(Finding::not_applicable("it rejects no callers: they wait"));
    }
    rejected.hang_up();
    full[0].finish();
    full[0].hang_up();
    let mut next = harness.caller();
    next.expect(
        CallState::Inside,
        "a new caller, with a free slot and the rejected caller idle,",
    )
}
