//! Which runtime the layer needs, and the tasks that it spawns there.

use std::time::Duration;

use tokio::runtime::Builder;

use super::Invariant;
use crate::call_state::CallState;
use crate::finding::{Check, ensure};
use crate::harness::{Harness, TestEnv};

pub(super) const FAMILY: &[Invariant] = &[Invariant {
    name: "X4",
    statement: "no tasks are spawned; any runtime will do, or none for a layer without timers",
    check: no_hidden_spawns,
}];

/// The layer spawns no task when it is created, readied, called, cancelled or dropped. A call succeeds on a
/// current-thread runtime, on a multi-thread runtime, and, if the layer needs no timer, outside of any.
///
/// Derived from a task for each waiter (tower-resilience#399), and from workers that outlive their service (tower#581).
fn no_hidden_spawns(env: &TestEnv<'_>) -> Check {
    {
        let harness = env.harness();
        let mut callers = harness.callers(env.several() + 2);
        spawns_nothing(&harness, "made")?;
        callers.iter_mut().for_each(|caller| {
            caller.poll_once();
        });
        spawns_nothing(&harness, "called")?;
        callers.pop();
        harness.probe.let_go();
        callers.iter_mut().for_each(|caller| {
            caller.poll_once();
        });
        spawns_nothing(&harness, "answered")?;
        drop(callers);
        spawns_nothing(&harness, "dropped")?;
        harness.works(3, "all this")?;
    }

    let threads = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build();
    let threads = threads.expect("two threads are not too many");
    let succeeds = threads.block_on(async {
        let harness = env.harness_without_runtime();
        harness.probe.let_go();
        let mut caller = harness.caller();
        let answer = std::future::poll_fn(|cx| caller.poll_in(cx));
        tokio::time::timeout(Duration::from_secs(5), answer)
            .await
            .is_ok()
            && caller.succeeded()
    });
    ensure(
        succeeds,
        "a call on a multi-thread runtime succeeds",
        "it does not",
    )?;

    if env.contract.needs_timer {
        return Ok(());
    }
    let harness = env.harness_without_runtime();
    harness.probe.let_go();
    harness
        .caller()
        .expect(CallState::Responded, "a call outside of any runtime")
}

fn spawns_nothing(harness: &Harness<'_>, when: &str) -> Check {
    let tasks = harness.tasks();
    ensure(
        tasks == 0,
        format!("no spawned task once a call is {when}"),
        format!("{tasks} spawned"),
    )
}
