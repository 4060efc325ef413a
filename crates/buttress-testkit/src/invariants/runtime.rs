//! Which runtime the layer needs, and the tasks that it spawns there.

use std::time::Duration;

use tokio::runtime::Builder;

use super::Invariant;
use crate::call_state::CallState;
use crate::finding::{Check, ensure};
use crate::harness::{Harness, TestEnv};

pub(super) const FAMILY: &[Invariant] = &[Invariant {
    name: "X4",
    statement: "it spawns nothing, and runs on any runtime, or on none if it sets no timers",
    check: no_hidden_spawns,
}];

/// The layer spawns no task when it is created, readied, called, cancelled or dropped. A call succeeds on a
/// current-thread runtime, on a multi-thread runtime, and, if the layer needs no timer, outside of any.
///
/// Derived from a task for each waiter (tower-resilience#399), and from workers that outlive their service (tower#581).
fn no_hidden_spawns(lab: &TestEnv<'_>) -> Check {
    {
        let bench = lab.bench();
        let mut callers = bench.callers(lab.several() + 2);
        spawns_nothing(&bench, "made")?;
        callers.iter_mut().for_each(|caller| {
            caller.poll_once();
        });
        spawns_nothing(&bench, "called")?;
        callers.pop();
        bench.probe.let_go();
        callers.iter_mut().for_each(|caller| {
            caller.poll_once();
        });
        spawns_nothing(&bench, "answered")?;
        drop(callers);
        spawns_nothing(&bench, "dropped")?;
        bench.works(3, "all this")?;
    }

    let threads = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build();
    let threads = threads.expect("two threads are not too many");
    let succeeds = threads.block_on(async {
        let bench = lab.bench_without_runtime();
        bench.probe.let_go();
        let mut caller = bench.caller();
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

    if lab.contract.needs_timer {
        return Ok(());
    }
    let bench = lab.bench_without_runtime();
    bench.probe.let_go();
    bench
        .caller()
        .expect(CallState::Answered, "a call outside of any runtime")
}

fn spawns_nothing(bench: &Harness<'_>, when: &str) -> Check {
    let tasks = bench.tasks();
    ensure(
        tasks == 0,
        format!("no spawned task once a call is {when}"),
        format!("{tasks} spawned"),
    )
}
