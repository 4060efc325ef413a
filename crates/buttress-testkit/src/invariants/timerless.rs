//! Runtimes without timers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use http::Response;
use tokio::runtime::Builder;

use super::Invariant;
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::finding::{Check, Finding};
use crate::harness::{Harness, TestEnv};
use crate::{Script, TestBody};

pub(super) const FAMILY: &[Invariant] = &[Invariant {
    name: "X8",
    statement: "in a runtime without timers a call may fail, but leaks nothing",
    check: nothing_is_lost_without_timers,
}];

/// On a runtime built without `enable_time`, a call has to wait: for a slot, for the inner service, for a retry, for a
/// circuit, or for the rest of a body. It may wait without a timer, be rejected, or panic where that is documented.
/// Afterwards, on a runtime with timers, nothing remains of it and the whole capacity is free.
///
/// Derived from a wait that acquired its slot before it created its timer, so that each panic reduced the limit by one.
fn nothing_is_lost_without_timers(env: &TestEnv<'_>) -> Check {
    let situations: [Situation; 5] = [
        ("a wait for a place", waits_for_a_slot),
        ("a wait for the inner service", waits_for_readiness),
        ("a failed call", fails),
        (TRIPPED, meets_a_tripped_layer),
        ("a body that takes its time", reads),
    ];
    for (what, happens) in situations {
        let harness = {
            let runtime = Builder::new_current_thread().build();
            let runtime = runtime.expect("a runtime without drivers asks nothing of the system");
            let _inside = runtime.enter();
            let harness = env.harness_without_runtime();
            if runtime.metrics().num_alive_tasks() > 0 {
                return Err(Finding::not_applicable(
                    "it spawns tasks, which end with the runtime: see X4",
                ));
            }
            happens(&harness);
            harness
        };
        harness.probe.script(Script::new().ok(Response::default()));
        let _inside = env.clock.enter();
        let is_tripped = what == TRIPPED && harness.layer.tripper().is_some();
        if let Some(recovery) = env.contract.recovers_within.filter(|_| is_tripped) {
            // A tripped layer rejects until its recovery time is over.
            env.clock.advance(recovery);
            harness.probe.ready();
            harness.probe.hold();
            let who = format!("{recovery:?} after {what} without timers, the next");
            harness.caller().expect(CallState::Inside, &who)?;
            continue;
        }
        harness.at_rest(&format!("{what} without timers"))?;
    }
    Ok(())
}

type Situation = (&'static str, fn(&Harness<'_>));

const TRIPPED: &str = "a call of a tripped layer";

fn waits_for_a_slot(harness: &Harness<'_>) {
    let mut inside = harness.callers(harness.env.several());
    inside.iter_mut().for_each(go_on);
    let mut waiting = harness.callers(3);
    waiting.iter_mut().for_each(go_on);
    if let Some(first) = inside.first_mut() {
        harness.probe.release(first.id);
        go_on(first);
    }
    waiting.iter_mut().for_each(go_on);
    inside.into_iter().chain(waiting).for_each(leave);
}

fn waits_for_readiness(harness: &Harness<'_>) {
    harness.probe.not_ready();
    let mut caller = harness.caller();
    go_on(&mut caller);
    harness.probe.ready();
    go_on(&mut caller);
    leave(caller);
}

fn fails(harness: &Harness<'_>) {
    harness.probe.let_pass();
    harness.probe.script(Script::new().err("scripted failure"));
    for _ in 0..3 {
        let mut caller = harness.caller();
        go_on(&mut caller);
        leave(caller);
    }
}

fn meets_a_tripped_layer(harness: &Harness<'_>) {
    let recovers = harness.env.contract.recovers_within.is_some();
    if let Some(trip) = harness.layer.tripper().filter(|_| recovers) {
        trip();
    }
    let mut caller = harness.caller();
    go_on(&mut caller);
    leave(caller);
}

fn reads(harness: &Harness<'_>) {
    harness.probe.let_pass();
    let body = TestBody::empty().data("a").pending().data("b");
    harness.probe.script(Script::new().ok(Response::new(body)));
    let mut caller = harness.caller();
    go_on(&mut caller);
    if caller.state() == CallState::Responded {
        bears(|| drop((0..3).map(|_| caller.poll_body()).collect::<Vec<_>>()));
    }
    leave(caller);
}

fn go_on(caller: &mut Caller<'_>) {
    bears(|| {
        caller.poll();
    });
}

fn leave(caller: Caller<'_>) {
    bears(|| drop(caller));
}

/// The result is deliberately not checked: a layer decides what a call may do without timers.
fn bears(happens: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(happens));
}
