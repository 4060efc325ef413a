//! The capacity, the bound and the order of a queue, for layers that declare them.

use super::cancellation::order_of_entry;
use super::{Invariant, MOMENT};
use crate::QueueOrder;
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::harness::TestEnv;

pub(super) const FAMILY: &[Invariant] = &[
    Invariant {
        name: "Q1",
        statement: "waiters are admitted in the declared order, without overtaking",
        check: order_holds,
    },
    Invariant {
        name: "Q2",
        statement: "the queue has its declared length, and one more caller is rejected at once",
        check: bound_is_exact,
    },
    Invariant {
        name: "Q3",
        statement: "a wait ends when declared, and the next caller can wait in its place",
        check: wait_ends_in_time,
    },
];

/// Five callers wait, or as many as may. As slots become free one at a time, the waiters are admitted in the declared
/// order. Between the moment when a slot is free and the moment when its waiter takes it, no other call is admitted.
///
/// Derived from semaphores that pass a slot to the first caller that polls, and from queues that claim to be fair.
fn order_holds(env: &TestEnv<'_>) -> Check {
    let Some(turns) = env.contract.turns else {
        return Err(Finding::not_applicable("it declares no order"));
    };
    let waiting = env.contract.queue.unwrap_or(5).min(5);
    let order = order_of_entry(&env.harness(), waiting, None)?;
    let mut expected: Vec<_> = (0..waiting).collect();
    if turns == QueueOrder::NewestFirst {
        expected.reverse();
    }
    ensure(
        order == expected,
        format!("{waiting} waiters are admitted in the order {expected:?}"),
        format!("{order:?}"),
    )?;

    let harness = env.harness();
    let (mut full, waiting) = harness.queue(1)?;
    full[0].finish_and_leave();
    let mut late = harness.caller();
    ensure(
        late.poll() != CallState::Inside,
        "a caller that comes when a slot was assigned to a waiter is not admitted",
        "it does",
    )?;
    drop(late);
    let mut first = waiting.into_iter().next();
    let inside = first.as_mut().map(Caller::poll_once);
    ensure(
        inside == Some(CallState::Inside),
        "the waiter is admitted",
        "it does not",
    )
}

/// The queue is filled to its bound; then one more caller is rejected without a wait, or replaces a waiter. The inner
/// service is called for none of them. When a waiter leaves, there is room for one more.
///
/// Derived from queues without a bound, and from bounds that are off by one.
fn bound_is_exact(env: &TestEnv<'_>) -> Check {
    let Some(most) = env.contract.queue else {
        return Err(Finding::not_applicable("it declares no bound"));
    };
    let harness = env.harness();
    let full = harness.full()?;
    let calls = harness.probe.calls();
    let mut callers = harness.callers(most + 1);
    for caller in &mut callers {
        caller.poll_once();
    }
    for caller in callers.iter_mut().filter(|caller| caller.is_woken()) {
        caller.poll_once();
    }
    let at = |callers: &[Caller<'_>], state| {
        let there = callers.iter().filter(|caller| caller.state() == state);
        there.count()
    };
    let seen = (
        at(&callers, CallState::Waiting),
        at(&callers, CallState::Rejected),
    );
    ensure(
        seen == (most, 1),
        format!("of {} callers, {most} wait and 1 is rejected", most + 1),
        format!("{} wait and {} are rejected", seen.0, seen.1),
    )?;
    ensure(
        harness.probe.calls() == calls,
        "the inner service is not called for any of them",
        format!("{} calls", harness.probe.calls() - calls),
    )?;
    let Some(leaving) = callers
        .iter()
        .position(|caller| caller.state() == CallState::Waiting)
    else {
        return Ok(());
    };
    drop(callers.remove(leaving));
    harness
        .caller()
        .expect(CallState::Waiting, "a caller that comes after another left")?;
    drop((callers, full));
    harness.at_rest("all of them left")
}

/// A waiter is not woken just before its time is over, and is rejected just after. Another caller can then wait, and
/// is admitted when a slot is free.
///
/// Derived from waits that end only on a poll, and from waits whose time starts again.
fn wait_ends_in_time(env: &TestEnv<'_>) -> Check {
    let Some(max_wait) = env.contract.max_wait else {
        return Err(Finding::not_applicable("it declares no longest wait"));
    };
    let harness = env.harness();
    let (mut full, mut waiting) = harness.queue(1)?;
    env.clock.advance(max_wait - MOMENT);
    ensure(
        !waiting[0].is_woken() && waiting[0].poll() == CallState::Waiting,
        format!("a waiter waits until {max_wait:?} have passed"),
        format!("{MOMENT:?} before it is {}", waiting[0].state()),
    )?;
    env.clock.advance(2 * MOMENT);
    ensure(
        waiting[0].is_woken() && waiting[0].poll() == CallState::Rejected,
        format!("after {max_wait:?}, a waiter is woken and rejected"),
        format!("{MOMENT:?} after it is {}", waiting[0].state()),
    )?;
    let mut next = harness.caller();
    next.expect(CallState::Waiting, "the next")?;
    full[0].finish_and_leave();
    next.expect(CallState::Inside, "the next, with a slot free,")?;
    next.finish_and_leave();
    drop((full, waiting, next));
    harness.at_rest("a wait in vain")
}
