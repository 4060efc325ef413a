//! What a rejection releases.

use super::Invariant;
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::harness::{Harness, TestEnv};

pub(super) const FAMILY: &[Invariant] = &[Invariant {
    name: "R13",
    statement: "a rejected call leaves no inner service reserved",
    check: rejection_releases_the_inner_service,
}];

/// A call is rejected in every way that the layer has: because it is full, because its queue is full, after a wait, by
/// its deadline, or because the layer was tripped. The inner service is then no longer reserved for it, although the
/// caller keeps the service, and the same service takes a later call.
///
/// Derived from layers that reject without calling, and keep a slot of an inner `Buffer` or a permit of an inner
/// `ConcurrencyLimit` (tower#408, tower#472).
fn rejection_releases_the_inner_service(env: &TestEnv<'_>) -> Check {
    let rejected = [
        by_a_full_layer(env)?,
        after_a_wait(env)?,
        by_a_tripped_layer(env)?,
    ];
    if rejected.contains(&true) {
        return Ok(());
    }
    Err(Finding::not_applicable("it rejects no callers"))
}

/// Fills the layer and its queue. Returns whether a further caller is rejected.
fn by_a_full_layer(env: &TestEnv<'_>) -> Result<bool, Finding> {
    if env.contract.capacity.is_none() {
        return Ok(false);
    }
    let harness = env.harness();
    let full = harness.full()?;
    let mut waiting = Vec::new();
    for _ in 0..=env.contract.queue.unwrap_or(0) {
        let before = harness.probe.reserved();
        let mut caller = harness.caller();
        if caller.poll() == CallState::Rejected {
            caller.hang_up();
            released(&harness, before, "a full layer")?;
            drop((full, waiting));
            takes_the_next(caller, "a full layer")?;
            return Ok(true);
        }
        waiting.push(caller);
    }
    Ok(false)
}

/// Fills the layer, and no caller leaves. Returns whether the waiter is rejected.
fn after_a_wait(env: &TestEnv<'_>) -> Result<bool, Finding> {
    let Some(longest) = env.contract.longest_wait() else {
        return Ok(false);
    };
    let harness = env.harness();
    let (full, mut waiting) = match harness.queue(1) {
        Err(Finding::NotApplicable(_)) => return Ok(false),
        queue => queue?,
    };
    env.clock.advance(longest + super::MOMENT);
    let mut waiter = waiting.remove(0);
    if waiter.poll() != CallState::Rejected {
        return Ok(false);
    }
    waiter.hang_up();
    released(&harness, 0, "the end of a wait")?;
    drop(full);
    takes_the_next(waiter, "the end of a wait")?;
    Ok(true)
}

/// Trips the layer. Returns whether the next caller is rejected.
fn by_a_tripped_layer(env: &TestEnv<'_>) -> Result<bool, Finding> {
    let harness = env.harness();
    let Some(trip) = harness.layer.tripper() else {
        return Ok(false);
    };
    // This clone was readied before the layer was tripped, as with keep-alive connections.
    let mut caller = harness.caller();
    caller.poll_ready();
    trip();
    if caller.poll() != CallState::Rejected {
        return Ok(false);
    }
    caller.hang_up();
    released(&harness, 0, "a tripped layer")?;
    if let Some(recovery) = env.contract.recovers_within {
        env.clock.advance(recovery);
        takes_the_next(caller, "a tripped layer")?;
    }
    Ok(true)
}

fn released(harness: &Harness<'_>, before: usize, by: &str) -> Check {
    let after = harness.probe.reserved();
    ensure(
        after <= before,
        format!("of a call that was rejected by {by}, no inner service is still readied"),
        format!("{} more are than before", after - before.min(after)),
    )
}

/// The service that rejected a call takes another, and polls its inner service ready again for it.
fn takes_the_next(mut caller: Caller<'_>, by: &str) -> Check {
    caller.again();
    let who = format!("the next call on a service that rejected one, by {by},");
    caller.expect(CallState::Inside, &who)?;
    let unready = caller.unready_calls();
    ensure(
        unready == 0,
        "the inner service is readied again for it",
        format!("{unready} calls of one that was not"),
    )
}
