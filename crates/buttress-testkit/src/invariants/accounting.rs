//! Accounting: every call is counted once, nothing leaks, and the limit is exact.

use super::Invariant;
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::harness::TestEnv;
use crate::load::{RandomCallers, Tally};

pub(super) const FAMILY: &[Invariant] = &[
    Invariant {
        name: "A5",
        statement: "every call ends exactly once, with the inner service's result or a rejection",
        check: conservation,
    },
    Invariant {
        name: "A6",
        statement: "the calls in flight never exceed the capacity",
        check: hard_cap,
    },
    Invariant {
        name: "A7",
        statement: "a new capacity applies at once, ends no call and wakes as many waiters as fit",
        check: resize,
    },
];

/// Runs random histories of calls that succeed, fail, are rejected and are cancelled. Each call ends once, with the
/// result of its inner call; offered = completed + failed + rejected + cancelled; afterwards no call, request or body
/// remains.
///
/// Derived from metrics that count twice, successes that are not recorded, and gauges that never return to 0.
fn conservation(env: &TestEnv<'_>) -> Check {
    for seed in 0..40 {
        let harness = env.harness();
        let mut callers = RandomCallers::new(&harness, seed);
        for _ in 0..100 {
            callers.step(12);
        }
        callers.drain();
        let Tally {
            offered,
            stranded,
            mismatch,
            ..
        } = &callers.tally;
        if let Some(seen) = mismatch {
            ensure(
                false,
                "each call ends once, as the inner service ended it",
                seen,
            )?;
        }
        // A stranded caller did not end; R8 tests for those.
        let ended = callers.tally.ended() + stranded;
        ensure(
            *offered <= ended,
            format!("{offered} calls offered, as many ended"),
            format!("{ended} ended: {:?}", callers.tally),
        )?;
        drop(callers);
        harness.at_rest("a random history")?;
    }
    Ok(())
}

/// Sixty-four clones arrive and leave at random, and the capacity changes where the layer allows it. Whenever a call is
/// admitted, no more calls are inside than the capacity allows.
///
/// Derived from limits that compare first and count later (tower-resilience#365), and from readiness without a permit
/// (#367).
fn hard_cap(env: &TestEnv<'_>) -> Check {
    let capacity = env.capacity()?;
    for seed in 0..8 {
        let harness = env.harness();
        let mut callers = RandomCallers::new(&harness, seed);
        for step in 0..400 {
            callers.step(64);
            if let (0, Some(resize)) = (step % 50, harness.layer.resizer()) {
                callers.resize(resize, 2 * capacity);
            }
        }
        ensure(
            callers.tally.excess == 0,
            "never more calls inside than the capacity in force",
            format!("{} more", callers.tally.excess),
        )?;
    }
    Ok(())
}

/// A capacity lowered below the number of calls in flight ends no call, and admits none until fewer calls are in flight
/// than the capacity. A capacity raised by two wakes two waiters.
///
/// Derived from semaphores whose forgotten permits come back, and from limits that are read only once.
fn resize(env: &TestEnv<'_>) -> Check {
    let capacity = env.capacity()?;
    let harness = env.harness();
    let Some(resize) = harness.layer.resizer() else {
        return Err(Finding::not_applicable("it offers no way to resize it"));
    };

    resize(capacity + 2);
    let mut inside = harness.inside(capacity + 2)?;
    resize(1);
    while inside.len() > 1 {
        kept_out(&mut harness.caller(), inside.len(), 1)?;
        let mut first = inside.remove(0);
        first.finish();
        ensure(
            first.succeeded(),
            "a call that was inside when the capacity was lowered continues",
            format!("it is {}", first.state()),
        )?;
    }
    kept_out(&mut harness.caller(), 1, 1)?;

    let mut waiting = harness.callers(3);
    for caller in &mut waiting {
        caller.poll();
    }
    resize(3);
    for caller in waiting
        .iter_mut()
        .filter(|caller| caller.state() == CallState::Rejected)
    {
        caller.again();
        caller.poll();
    }
    waiting
        .iter_mut()
        .filter(|caller| caller.is_woken())
        .for_each(|caller| {
            caller.poll();
        });
    let entered = waiting
        .iter()
        .filter(|caller| caller.state() == CallState::Inside)
        .count();
    ensure(
        entered == 2,
        "after its capacity grows by 2, 2 of 3 waiters are admitted",
        format!("{entered} got in"),
    )?;
    let all = inside.iter_mut().chain(&mut waiting);
    all.for_each(Caller::finish_and_leave);
    drop((inside, waiting));
    resize(capacity);
    harness.at_rest("the capacity is as at the start")
}

fn kept_out(caller: &mut Caller<'_>, inside: usize, capacity: usize) -> Check {
    ensure(
        caller.poll() != CallState::Inside,
        format!("with {inside} inside and a capacity of {capacity}, no call is admitted"),
        "one was admitted",
    )
}
