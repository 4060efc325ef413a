//! What a rejection releases.

use super::Invariant;
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::harness::{Harness, TestEnv};

pub(super) const FAMILY: &[Invariant] = &[Invariant {
    name: "R13",
    statement: "a refusal leaves nothing reserved further in",
    check: refusal_releases_the_inner_service,
}];

/// A call is rejected in every way that the layer has: because it is full, because its queue is full, after a wait, by
/// its deadline, or because the layer was tripped. The inner service is then no longer reserved for it, although the
/// caller keeps the service, and the same service takes a later call.
///
/// Derived from layers that reject without calling, and keep a slot of an inner `Buffer` or a permit of an inner
/// `ConcurrencyLimit` (tower#408, tower#472).
fn refusal_releases_the_inner_service(lab: &TestEnv<'_>) -> Check {
    let refused = [
        by_a_full_layer(lab)?,
        after_a_wait(lab)?,
        by_a_tripped_layer(lab)?,
    ];
    if refused.contains(&true) {
        return Ok(());
    }
    Err(Finding::not_applicable("it rejects no callers"))
}

/// Fills the layer and its queue. Returns whether a further caller is rejected.
fn by_a_full_layer(lab: &TestEnv<'_>) -> Result<bool, Finding> {
    if lab.contract.capacity.is_none() {
        return Ok(false);
    }
    let bench = lab.bench();
    let full = bench.full()?;
    let mut waiting = Vec::new();
    for _ in 0..=lab.contract.queue.unwrap_or(0) {
        let before = bench.probe.reserved();
        let mut caller = bench.caller();
        if caller.poll() == CallState::Refused {
            caller.hang_up();
            released(&bench, before, "a full layer")?;
            drop((full, waiting));
            takes_the_next(caller, "a full layer")?;
            return Ok(true);
        }
        waiting.push(caller);
    }
    Ok(false)
}

/// Fills the layer, and no caller leaves. Returns whether the waiter is rejected.
fn after_a_wait(lab: &TestEnv<'_>) -> Result<bool, Finding> {
    let Some(longest) = lab.contract.longest_wait() else {
        return Ok(false);
    };
    let bench = lab.bench();
    let (full, mut waiting) = match bench.queue(1) {
        Err(Finding::NotApplicable(_)) => return Ok(false),
        queue => queue?,
    };
    lab.clock.advance(longest + super::MOMENT);
    let mut waiter = waiting.remove(0);
    if waiter.poll() != CallState::Refused {
        return Ok(false);
    }
    waiter.hang_up();
    released(&bench, 0, "the end of a wait")?;
    drop(full);
    takes_the_next(waiter, "the end of a wait")?;
    Ok(true)
}

/// Trips the layer. Returns whether the next caller is rejected.
fn by_a_tripped_layer(lab: &TestEnv<'_>) -> Result<bool, Finding> {
    let bench = lab.bench();
    let Some(trip) = bench.specimen.tripper() else {
        return Ok(false);
    };
    // This clone was readied before the layer was tripped, as with keep-alive connections.
    let mut caller = bench.caller();
    caller.poll_ready();
    trip();
    if caller.poll() != CallState::Refused {
        return Ok(false);
    }
    caller.hang_up();
    released(&bench, 0, "a tripped layer")?;
    if let Some(recovery) = lab.contract.recovers_within {
        lab.clock.advance(recovery);
        takes_the_next(caller, "a tripped layer")?;
    }
    Ok(true)
}

fn released(bench: &Harness<'_>, before: usize, by: &str) -> Check {
    let after = bench.probe.reserved();
    ensure(
        after <= before,
        format!("of a call that was refused by {by}, no inner service is still readied"),
        format!("{} more are than before", after - before.min(after)),
    )
}

/// The service that rejected a call takes another, and polls its inner service ready again for it.
fn takes_the_next(mut caller: Caller<'_>, by: &str) -> Check {
    caller.again();
    let who = format!("the next call on a service that refused one, by {by},");
    caller.expect(CallState::Inside, &who)?;
    let unready = caller.unready_calls();
    ensure(
        unready == 0,
        "the inner service is readied again for it",
        format!("{unready} calls of one that was not"),
    )
}
