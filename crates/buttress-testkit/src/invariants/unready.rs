//! What happens without readiness: of the inner service, for good, or because it was not polled.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Invariant, MOMENT};
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::harness::TestEnv;

pub(super) const FAMILY: &[Invariant] = &[
    Invariant {
        name: "R10",
        statement: "clones with an unready inner service take no room from callers",
        check: unready_inner_holds_nothing,
    },
    Invariant {
        name: "R11",
        statement: "a readiness error reaches its caller, and affects no other",
        check: readiness_error_passes,
    },
    Invariant {
        name: "R12",
        statement: "a call without readiness exceeds no capacity, and leaves nothing behind",
        check: unready_call_is_harmless,
    },
    Invariant {
        name: "R15",
        statement: "a wait for readiness ends in time, and the service is as good as before",
        check: wait_for_readiness_ends,
    },
];

/// As many clones as the capacity allows wait for an inner service that never becomes ready for them. Another clone,
/// with a ready inner service, is admitted.
///
/// Derived from limits that take the permit first and poll the inner service after.
fn unready_inner_holds_nothing(lab: &TestEnv<'_>) -> Check {
    if lab.reserves_for_ever() {
        return Err(Finding::not_applicable("readiness reserves, as declared"));
    }
    let bench = lab.bench();
    bench.probe.not_ready();
    let mut stuck = bench.callers(lab.several());
    for caller in &mut stuck {
        caller.poll();
    }
    bench.probe.stall(0..bench.probe.instances());
    bench.probe.ready();
    let mut other = bench.caller();
    let who = format!(
        "a caller beside {} whose inner service is not ready",
        stuck.len()
    );
    other.expect(CallState::Inside, &who)?;
    other.finish_and_leave();
    drop((stuck, other));
    bench.at_rest("all of them are dropped")
}

/// An error of `poll_ready` inside ends the call that polled it. Waiters beside it are woken, and once the inner
/// service recovers, the layer has all its slots.
///
/// Derived from permits that stay with a dead service, and from errors that are swallowed while others
/// wait.
fn readiness_error_passes(lab: &TestEnv<'_>) -> Check {
    let bench = lab.bench();
    let mut busy = bench.inside(lab.several() - 1)?;
    bench.probe.not_ready();
    let mut failing = bench.caller();
    failing.poll();
    let mut beside = bench.caller();
    beside.poll();

    bench.probe.broken();
    let state = failing.poll_anew();
    ensure(
        state.is_over() && !failing.succeeded(),
        "the caller gets the readiness error",
        format!("it is {state}"),
    )?;
    drop(failing);
    bench.probe.ready();
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
    bench.at_rest("a readiness error")
}

/// A caller that does not poll `poll_ready` may panic, be rejected, or be served; but not beyond the capacity, and
/// without an effect on others.
///
/// Derived from limits that count in `poll_ready` only.
fn unready_call_is_harmless(lab: &TestEnv<'_>) -> Check {
    let bench = lab.bench();
    for busy in [0, lab.several()] {
        let mut inside = bench.inside(busy)?;
        if busy > 0 && lab.contract.capacity.is_some() && bench.caller().poll() == CallState::Inside
        {
            let why = "even polite callers get in beyond the capacity, see A6";
            return Err(Finding::not_applicable(why));
        }
        let mut rude = bench.caller();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            rude.call_unready();
            rude.poll()
        }))
        .is_err();
        if let Some(capacity) = lab.contract.capacity {
            let seen = bench.probe.in_flight();
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
        bench.at_rest("a call without readiness")?;
    }
    Ok(())
}

/// The inner service is not ready, and callers wait in `poll_ready`. By the time that is declared they are woken, and
/// their calls are over without the inner service. Once that is ready, the same services serve their next calls.
///
/// Derived from timeouts that begin with the call: a caller of a service that is never ready waited for ever.
fn wait_for_readiness_ends(lab: &TestEnv<'_>) -> Check {
    let Some(longest) = lab.contract.ready_within else {
        let why = "it declares no longest wait for readiness";
        return Err(Finding::not_applicable(why));
    };
    let bench = lab.bench();
    bench.probe.not_ready();
    let mut stuck = bench.callers(lab.several());
    for caller in &mut stuck {
        caller.poll();
    }
    lab.clock.advance(longest + MOMENT);
    for caller in &mut stuck {
        let over = caller.state().is_over() || caller.is_woken() && caller.poll().is_over();
        ensure(
            over && caller.state() == CallState::Refused,
            format!("a call with an unready inner service is rejected after {longest:?}"),
            format!("it is {}", caller.state()),
        )?;
    }
    bench.probe.ready();
    for caller in &mut stuck {
        caller.again();
        caller.expect(CallState::Inside, "the next call of a service that waited")?;
    }
    stuck.iter_mut().for_each(Caller::finish_and_leave);
    drop(stuck);
    bench.at_rest("waits for readiness")
}
