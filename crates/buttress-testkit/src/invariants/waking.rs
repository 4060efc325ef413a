//! Which tasks are woken, when, and how many times.

use std::time::Duration;

use super::Invariant;
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::harness::{Harness, TestEnv};
use crate::load::RandomCallers;

pub(super) const FAMILY: &[Invariant] = &[
    Invariant {
        name: "R7",
        statement: "the task that polled last is the one woken",
        check: latest_waker,
    },
    Invariant {
        name: "R8",
        statement: "no wakeup is lost, in any order of arrivals, completions and cancellations",
        check: no_lost_wakeup,
    },
    Invariant {
        name: "R9",
        statement: "no task is woken without a reason",
        check: no_wake_storm,
    },
];

/// A call moves from one task to another while it waits: for readiness, for a slot, or for the response. The new task
/// is woken. Of two clones on two tasks, both are woken.
///
/// Derived from a `Sleep` shared by clones, which wakes only the last of them (tower#454).
fn latest_waker(env: &TestEnv<'_>) -> Check {
    let harness = env.harness();
    let mut caller = harness.caller();
    caller.expect(CallState::Inside, "a call")?;
    moves(&mut caller, "the answer", || harness.probe.let_go())?;
    drop(caller);

    let harness = env.harness();
    harness.probe.not_ready();
    let mut caller = harness.caller();
    // Where a layer rejects instead of waiting for readiness, there is no task to wake.
    if caller.poll() == CallState::Waiting {
        moves(&mut caller, "readiness", || harness.probe.ready())?;
    }
    drop(caller);

    if env.contract.capacity.is_some() {
        let harness = env.harness();
        match harness.queue(2) {
            Ok((full, waiting)) => both_move(full, waiting)?,
            Err(Finding::NotApplicable(_)) => {}
            Err(failed) => return Err(failed),
        }
    }
    Ok(())
}

/// Two callers that wait for a slot move to other tasks. Slots become free one at a time, and may be assigned in any
/// order.
fn both_move(mut full: Vec<Caller<'_>>, mut waiting: Vec<Caller<'_>>) -> Check {
    let mut old_tasks = Vec::new();
    for caller in &mut waiting {
        old_tasks.push(caller.move_to_another_task());
        caller.poll();
    }
    full[0].finish_and_leave();
    while !waiting.is_empty() {
        let woken = waiting.iter().position(Caller::is_woken);
        let left = waiting.len();
        let Some(woken) = woken else {
            let expected =
                "callers that moved to other tasks while they waited for a slot are woken there";
            return ensure(false, expected, format!("{left} of 2 are not"));
        };
        let mut next = waiting.swap_remove(woken);
        next.expect(CallState::Inside, "the woken caller")?;
        next.finish_and_leave();
    }
    Ok(())
}

fn moves(caller: &mut Caller<'_>, waits_for: &str, give: impl FnOnce()) -> Check {
    let _old_task = caller.move_to_another_task();
    caller.poll();
    give();
    ensure(
        caller.is_woken(),
        format!("a call that waits for {waits_for} and moved to another task is woken there"),
        "the new task is not woken",
    )
}

/// Callers arrive, are polled, are released and leave, in random order, and are polled only after a wakeup. Once no
/// more leave, all of them finish.
///
/// Derived from queues that lose the wakeup of a cancelled waiter (tokio#904, embassy#6964, shuttle#167).
fn no_lost_wakeup(env: &TestEnv<'_>) -> Check {
    for seed in 0..SCHEDULES {
        let harness = env.harness();
        let mut callers = RandomCallers::new(&harness, seed);
        for _ in 0..60 {
            callers.step(3 * env.several().min(4));
        }
        callers.drain();
        let stranded = callers.tally.stranded;
        ensure(
            stranded == 0,
            "every waiter is woken when a slot is free",
            format!("{stranded} are not"),
        )?;
    }
    Ok(())
}

/// For a minute nothing happens: a waiting caller polls at most once more, and never wakes itself. Then slots become
/// free: at most one caller is woken for each.
///
/// Derived from waiting by self-waking, 490 000 polls in 300 ms (tower-resilience#365), and from poll timers of 1 ms.
fn no_wake_storm(env: &TestEnv<'_>) -> Check {
    let harness = env.harness();
    harness.probe.not_ready();
    let mut blocked = harness.callers(3);
    quiet_minute(&harness, &mut blocked, "an inner service that is not ready")?;
    drop(blocked);

    let harness = env.harness();
    if env.contract.capacity.is_none() {
        return Ok(());
    }
    let (mut full, mut waiting) = match harness.queue(8) {
        Err(Finding::NotApplicable(_)) => return Ok(()),
        queue => queue?,
    };
    quiet_minute(&harness, &mut waiting, "a slot")?;
    let freed = full.len().min(2);
    full.iter_mut()
        .take(freed)
        .for_each(Caller::finish_and_leave);
    let woken = waiting.iter().filter(|caller| caller.is_woken()).count();
    ensure(
        woken <= freed,
        format!(
            "{freed} slots that become free wake at most {freed} of {}",
            waiting.len()
        ),
        format!("{woken} are woken"),
    )
}

fn quiet_minute(harness: &Harness<'_>, callers: &mut [Caller<'_>], waits_for: &str) -> Check {
    for caller in callers.iter_mut().filter(|caller| caller.polls == 0) {
        caller.poll_once();
    }
    let before: Vec<_> = callers.iter().map(|caller| caller.polls).collect();
    for _ in 0..60 {
        harness.env.clock.advance(Duration::from_secs(1));
        for caller in callers.iter_mut().filter(|caller| caller.is_woken()) {
            caller.poll_once();
        }
    }
    for (caller, before) in callers.iter().zip(before) {
        let (more, own) = (caller.polls - before, caller.task.wakes_in_own_poll());
        ensure(
            own == 0 && more <= 1,
            format!("a minute's wait for {waits_for} takes at most one more poll"),
            format!("{more} polls, and {own} wakes of its own doing"),
        )?;
    }
    Ok(())
}

/// The number of random schedules.
const SCHEDULES: u64 = 200;
