//! Calls that wait for the inner service to become ready after `call`.

use std::time::Duration;

use super::{Invariant, MOMENT};
use crate::Script;
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::harness::TestEnv;

pub(super) const FAMILY: &[Invariant] = &[Invariant {
    name: "Q5",
    statement: "a call whose inner service stops being ready ends in time and releases its slot",
    check: unready_inner_service_ends_the_wait,
}];

/// A call waits for a slot or for a retry. When it may proceed, its inner service is not ready, and does not become
/// ready. The call ends by the time declared for a wait, or for a call, and another call takes its slot.
///
/// Derived from a bulkhead whose `max_wait` and deadline applied to its queue alone, and from a retry that polled
/// readiness after a backoff without a timer.
fn unready_inner_service_ends_the_wait(env: &TestEnv<'_>) -> Check {
    let Some(longest) = env.contract.longest_wait() else {
        return Err(Finding::not_applicable("it declares no longest wait"));
    };
    after_a_slot_was_granted(env, longest)?;
    let Some(longest) = env.contract.ends_within else {
        return Ok(());
    };
    after_a_failure(env, longest)
}

fn after_a_slot_was_granted(env: &TestEnv<'_>, longest: Duration) -> Check {
    if env.contract.capacity.is_none() {
        return Ok(());
    }
    let harness = env.harness();
    let (mut full, mut waiting) = match harness.queue(1) {
        Err(Finding::NotApplicable(_)) => return Ok(()),
        queue => queue?,
    };
    let mut stuck = waiting.remove(0);
    if !stuck.has_called() {
        // The caller polls readiness itself, and may leave at any time: R10 tests that.
        return Ok(());
    }
    // The slot becomes free half-way. An inner service that is first polled after that is not ready.
    env.clock.advance(longest / 2);
    harness.probe.stall_from_now_on();
    full[0].finish_and_leave();
    if stuck.poll() == CallState::Waiting {
        env.clock.advance(longest - longest / 2 + MOMENT);
        ends(&mut stuck, longest, "a slot")?;
    }
    harness.probe.stall(0..0);
    stuck.hang_up();
    let mut next = harness.caller();
    next.expect(CallState::Inside, "the next, after a call that ended so,")?;
    next.finish_and_leave();
    full.iter_mut().for_each(Caller::finish_and_leave);
    drop((full, stuck, next));
    harness.at_rest("a wait for an inner service that was not ready")
}

/// The first attempt fails, and then the inner service is not ready.
fn after_a_failure(env: &TestEnv<'_>, longest: Duration) -> Check {
    let harness = env.harness();
    harness
        .probe
        .script_next(Script::new().err("scripted failure"));
    let mut caller = harness.caller();
    if caller.poll() != CallState::Inside {
        return Ok(());
    }
    harness.probe.stall_from_now_on();
    harness.probe.release(caller.id);
    let mut left = longest + MOMENT;
    while !caller.poll().is_over() && !left.is_zero() {
        let step = left.min(longest / 8);
        env.clock.advance(step);
        left -= step;
    }
    ends(&mut caller, longest, "another attempt")?;
    drop(caller);
    harness.probe.stall(0..0);
    harness.nothing_left("a wait for an inner service that was not ready")
}

fn ends(caller: &mut Caller<'_>, longest: Duration, waits_for: &str) -> Check {
    let over = caller.state().is_over() || caller.is_woken() && caller.poll().is_over();
    ensure(
        over,
        format!(
            "a call that waited for {waits_for}, with an inner service that is then not ready, ends after {longest:?}"
        ),
        format!("{MOMENT:?} after it is {}", caller.state()),
    )
}
