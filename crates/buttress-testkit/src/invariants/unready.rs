//! Inner services that are not ready, that fail, or whose readiness was not polled.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Invariant, MOMENT};
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::harness::TestEnv;

pub(super) const FAMILY: &[Invariant] = &[
    Invariant {
        name: "R10",
        statement: "clones whose inner service is not ready hold no slots",
        check: unready_inner_holds_nothing,
    },
    Invariant {
        name: "R11",
        statement: "a readiness error reaches its caller and affects no other",
        check: readiness_error_passes,
    },
    Invariant {
        name: "R12",
        statement: "a call without readiness exceeds no capacity and leaves nothing behind",
        check: unready_call_is_harmless,
    },
    Invariant {
        name: "R15",
        statement: "a wait for readiness ends in time, and the service still works",
        check: wait_for_readiness_ends,
    },
];

/// As many clones as the capacity wait for an inner service that never becomes ready for them. Another clone, with a
/// ready inner service, is admitted.
///
/// Derived from limits that take the permit first and poll the inner service after.
fn unready_inner_holds_nothing(env: &TestEnv<'_>) -> Check {
    if env.reserves_for_ever() {
        return Err(Finding::not_applicable("readiness reserves, as declared"));
    }
    let harness = env.harness();
    harness.probe.not_ready();
    let mut stuck = harness.callers(env.several());
    for caller in &mut stuck {
        caller.poll();
    }
    harness.probe.stall(0..harness.probe.instances());
    harness.probe.ready();
    let mut other = harness.caller();
    let who = format!(
        "a caller beside {} whose inner service is not ready",
        stuck.len()
    );
    other.expect(CallState::Inside, &who)?;
    other.finish_and_leave();
    drop((stuck, other));
    harness.at_rest("all of them are dropped")
}

/// An error of the inner `poll_ready` ends the call that polled it. Concurrent waiters are woken, and once the inner
/// service recovers, all slots of the layer are free.
///
/// Derived from permits held for a failed service, and from errors that are swallowed while others wait.
fn readiness_error_passes(env: &TestEnv<'_>) -> Check {
    let harness = env.harness();
    let mut busy = harness.inside(env.several() - 1)?;
    harness.probe.not_ready();
    let mut failing = harness.caller();
    failing.poll();
    let mut beside = harness.caller();
    beside.poll();

    harness.probe.broken();
    let state = failing.poll_anew();
    ensure(
        state.is_over() && !failing.succeeded(),
        "the caller gets the readiness error",
        format!("it is {state}"),
    )?;
    drop(failing);
    harness.probe.ready();
    ensure(
        beside.is_woken() || beside.state().is_over(),
        "the caller beside it is woken",
        "it is not",
    )?;
    let state = beside.poll_anew();
    ensure(
        state == CallState::Inside,
        "the caller beside it is admitted once the inner service is ready",
        format!("it is {state}"),
    )?;
    let all = busy.iter_mut().chain([&mut beside]);
    all.for_each(Caller::finish_and_leave);
    drop((beside, busy));
    harness.at_rest("a readiness error")
}

/// A call without `poll_ready` may panic, be rejected, or be served. It is never admitted beyond the capacity, and has
/// no effect on other calls.
///
/// Derived from limits that count in `poll_ready` only.
fn unready_call_is_harmless(env: &TestEnv<'_>) -> Check {
    let harness = env.harness();
    for busy in [0, env.several()] {
        let mut inside = harness.inside(busy)?;
        if busy > 0
            && env.contract.capacity.is_some()
            && harness.caller().poll() == CallState::Inside
        {
            let why = "even polite callers get in beyond the capacity, see A6";
            return Err(Finding::not_applicable(why));
        }
        let mut rude = harness.caller();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            rude.call_unready();
            rude.poll()
        }))
        .is_err();
        if let Some(capacity) = env.contract.capacity {
            let seen = harness.probe.in_flight();
            ensure(
                seen <= capacity,
                format!("at most {capacity} calls inside"),
                format!("{seen} inside"),
            )?;
        }
        for caller in &mut inside {
            caller.finish();
        }
        if !panicked {
            rude.finish();
        }
        drop((rude, inside));
        harness.at_rest("a call without readiness")?;
    }
    Ok(())
}

/// The inner service is not ready, and callers wait in `poll_ready`. By the declared time they are woken, and their
/// calls end without calling the inner service. Once the inner service is ready, the same services serve their next
/// calls.
///
/// Derived from timeouts that start with the call: a caller of a service that is never ready waited for ever.
fn wait_for_readiness_ends(env: &TestEnv<'_>) -> Check {
    let Some(longest) = env.contract.ready_within else {
        let why = "it declares no longest wait for readiness";
        return Err(Finding::not_applicable(why));
    };
    let harness = env.harness();
    harness.probe.not_ready();
    let mut stuck = harness.callers(env.several());
    for caller in &mut stuck {
        caller.poll();
    }
    env.clock.advance(longest + MOMENT);
    for caller in &mut stuck {
        let over = caller.state().is_over() || caller.is_woken() && caller.poll().is_over();
        ensure(
            over && caller.state() == CallState::Rejected,
            format!("a call with an unready inner service is rejected after {longest:?}"),
            format!("it is {}", caller.state()),
        )?;
    }
    harness.probe.ready();
    for caller in &mut stuck {
        caller.again();
        caller.expect(CallState::Inside, "the next call of a service that waited")?;
    }
    stuck.iter_mut().for_each(Caller::finish_and_leave);
    drop(stuck);
    harness.at_rest("waits for readiness")
}
