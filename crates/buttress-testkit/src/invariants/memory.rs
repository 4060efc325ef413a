//! Memory that grows with the number of past waiters.

use super::Invariant;
use crate::CountingWaker;
use crate::caller::Caller;
use crate::finding::{Check, ensure};
use crate::harness::{Harness, TestEnv};

pub(super) const FAMILY: &[Invariant] = &[Invariant {
    name: "A9",
    statement: "ten thousand cancelled waiters leave nothing behind",
    check: waiters_that_gave_up_are_removed,
}];

/// While all slots are taken, one caller after another starts to wait and is cancelled. Afterwards no waker, request,
/// inner clone or task of a cancelled caller remains, the state is as before, and a hundred calls succeed.
///
/// Derived from queues that grow with every past waiter.
fn waiters_that_gave_up_are_removed(env: &TestEnv<'_>) -> Check {
    let harness = env.harness();
    forgets_waiters(&harness, WAITERS)?;
    harness.works(100, "all of them gave up")
}

/// Checks the same for a number of waiters, on a stack in any state.
pub(crate) fn forgets_waiters(harness: &Harness<'_>, waiters: usize) -> Check {
    let (mut full, waiting) = harness.queue(1)?;
    drop(waiting);
    let task = CountingWaker::new();
    let before = (
        harness.layer.read_state(),
        harness.probe.alive(),
        harness.requests.now(),
        harness.tasks(),
        task.kept(),
    );
    for _ in 0..waiters {
        harness.caller().poll_as(&task);
    }
    let after = (
        harness.layer.read_state(),
        harness.probe.alive(),
        harness.requests.now(),
        harness.tasks(),
        task.kept(),
    );
    ensure(
        before == after,
        format!("state, inner clones, requests, tasks and wakers stay {before:?}"),
        format!("{after:?}"),
    )?;
    full.iter_mut().for_each(Caller::finish_and_leave);
    Ok(())
}

/// Enough waiters to show a leak: nothing may be kept of any of them.
const WAITERS: usize = 10_000;
