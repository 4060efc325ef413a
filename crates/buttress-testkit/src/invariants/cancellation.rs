//! Calls that are dropped.

use http::Response;

use super::Invariant;
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::finding::{Check, ensure};
use crate::harness::{Harness, TestEnv};
use crate::{Script, TestBody};

pub(super) const FAMILY: &[Invariant] = &[
    Invariant {
        name: "A1",
        statement: "a call dropped at any poll leaves nothing behind",
        check: drop_at_every_poll,
    },
    Invariant {
        name: "A2",
        statement: "a cancelled waiter neither blocks nor reorders the others",
        check: cancel_while_waiting,
    },
    Invariant {
        name: "A3",
        statement: "a slot granted while its waiter is cancelled is neither lost nor granted twice",
        check: grant_races_with_leaving,
    },
];

/// The call is dropped when it is ready but not called, and then after each number of polls of the future and of the
/// body. Each time, the inner future is dropped, the state is as before, no task keeps running, and all slots are free.
///
/// Derived from permits that leak when a future is dropped (tower-resilience#365), and from cancelled probes that are
/// never recorded (davenverse/circuit#258).
fn drop_at_every_poll(env: &TestEnv<'_>) -> Check {
    let harness = env.harness();
    let mut caller = harness.caller();
    caller.poll_ready();
    drop(caller);
    harness.at_rest("a ready clone was dropped")?;

    for polls in 0..=6 {
        let harness = env.harness();
        harness.probe.let_go();
        let body = TestBody::empty().data("a").pending().data("b");
        harness
            .probe
            .script(Script::new().pending(2).ok(Response::new(body)));
        let mut caller = harness.caller();
        caller.poll_ready();
        caller.call_if_ready();
        for _ in 0..polls {
            if caller.answer().is_some() {
                caller.poll_body();
            } else {
                caller.poll_once();
            }
        }
        drop(caller);
        harness.at_rest(&format!("a call was dropped at poll {polls}"))?;
        env.clock.turn();
        let tasks = harness.tasks();
        ensure(tasks == 0, "no task runs on", format!("{tasks} run on"))?;
    }
    Ok(())
}

/// Of five waiters, the first, the third or the last is cancelled. The others are admitted in the order in which they
/// would have been otherwise. If the cancelled waiter was next and a slot was free, another waiter is woken
/// immediately.
///
/// Derived from waiters that are assigned a permit and dropped before they poll (tokio#904, embassy#2766).
fn cancel_while_waiting(env: &TestEnv<'_>) -> Check {
    let usual = order_of_entry(&env.harness(), 5, None)?;
    for quitter in [0, 2, 4] {
        let expected: Vec<_> = usual
            .iter()
            .copied()
            .filter(|&who| who != quitter)
            .collect();
        let seen = order_of_entry(&env.harness(), 5, Some(quitter))?;
        ensure(
            seen == expected,
            format!(
                "when waiter {quitter} of 5 gives up, the others get in in the order {expected:?}"
            ),
            format!("{seen:?}"),
        )?;
    }

    let harness = env.harness();
    let (mut full, mut waiting) = harness.queue(3)?;
    full[0].finish_and_leave();
    let granted = waiting.iter().position(Caller::is_woken);
    if let Some(granted) = granted {
        drop(waiting.swap_remove(granted));
    }
    ensure(
        waiting.iter().any(Caller::is_woken),
        "when a woken waiter is cancelled, the next is woken at once",
        "none is woken",
    )
}

/// Returns the order in which the waiters are admitted once all slots are taken, without the cancelled waiter.
pub(super) fn order_of_entry(
    harness: &Harness<'_>,
    waiters: usize,
    quitter: Option<usize>,
) -> Result<Vec<usize>, crate::finding::Finding> {
    let (mut inside, waiting) = harness.queue(waiters)?;
    let mut waiting: Vec<_> = waiting.into_iter().enumerate().collect();
    waiting.retain(|(index, _)| Some(*index) != quitter);
    let mut order = Vec::new();
    while let Some(mut first) = inside.pop() {
        first.finish_and_leave();
        let mut still_waiting = Vec::new();
        for (index, mut caller) in waiting {
            if caller.is_woken() && caller.poll_once() == CallState::Inside {
                order.push(index);
                inside.push(caller);
            } else {
                still_waiting.push((index, caller));
            }
        }
        waiting = still_waiting;
    }
    Ok(order)
}

/// A slot becomes free and its waiter leaves, in either order, between two polls. Afterwards exactly one more caller is
/// admitted. Where waits are bounded, the same holds for a slot that becomes free as the wait ends.
///
/// Derived from permits granted to waiters that have left, and from permits granted twice.
fn grant_races_with_leaving(env: &TestEnv<'_>) -> Check {
    for granted_first in [true, false] {
        let harness = env.harness();
        let (mut full, waiting) = harness.queue(1)?;
        if granted_first {
            full[0].finish_and_leave();
            drop(waiting);
        } else {
            drop(waiting);
            full[0].finish_and_leave();
        }
        exactly_one_fits(&harness)?;

        let Some(max_wait) = env.contract.max_wait else {
            continue;
        };
        let harness = env.harness();
        let (mut full, mut waiting) = harness.queue(1)?;
        if granted_first {
            full[0].finish_and_leave();
            env.clock.advance(max_wait);
        } else {
            env.clock.advance(max_wait);
            full[0].finish_and_leave();
        }
        match waiting[0].poll() {
            CallState::Inside => waiting[0].finish_and_leave(),
            state => ensure(
                state == CallState::Rejected,
                format!("after {max_wait:?}, the waiter is inside or rejected"),
                state.to_string(),
            )?,
        }
        exactly_one_fits(&harness)?;
    }
    Ok(())
}

fn exactly_one_fits(harness: &Harness<'_>) -> Check {
    let mut next = harness.callers(2);
    next[0].expect(CallState::Inside, "the next caller, with one slot free,")?;
    ensure(
        next[1].poll() != CallState::Inside,
        "the one after that is not admitted",
        "it was admitted",
    )
}
