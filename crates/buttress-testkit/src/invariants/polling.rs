//! How often the inner service is polled.

use std::time::Duration;

use http::Response;

use super::Invariant;
use crate::call_state::CallState;
use crate::finding::{Check, ensure};
use crate::harness::TestEnv;
use crate::{Gate, Script, TestBody};

pub(super) const FAMILY: &[Invariant] = &[Invariant {
    name: "R14",
    statement: "one poll of a call, or of a body, is at most one of each inner call, or body",
    check: one_poll_outside_is_one_inside,
}];

/// A slow call is polled repeatedly while time passes, so that timeouts, hedges and deadlines apply. Each poll polls
/// each inner call at most once. The same holds for the body, where the poll yields no frame.
///
/// Derived from a timeout around an attempt that polled it once for itself, and once for the timer.
fn one_poll_outside_is_one_inside(lab: &TestEnv<'_>) -> Check {
    let bench = lab.bench();
    let (head, frame) = (Gate::new(), Gate::new());
    let body = TestBody::empty().data("a").wait(&frame).data("b");
    let script = Script::new().wait(&head).ok(Response::new(body));
    bench.probe.let_go();
    bench.probe.script(script);

    let mut caller = bench.caller();
    for _ in 0..POLLS {
        let before = bench.probe.polls();
        let state = caller.poll_once();
        at_most_one_more("call", &before, &bench.probe.polls())?;
        if state.is_over() {
            // The layer's own timeout ended the call.
            caller.again();
        }
        lab.clock.advance(Duration::from_millis(250));
    }
    head.open();
    let before = bench.probe.polls();
    if caller.poll_once() != CallState::Answered {
        return Ok(());
    }
    at_most_one_more("call", &before, &bench.probe.polls())?;

    caller.poll_body();
    for _ in 0..POLLS {
        let before = bench.probe.polls();
        if caller.poll_body().is_none() {
            at_most_one_more("body", &before, &bench.probe.polls())?;
        }
        lab.clock.advance(Duration::from_millis(250));
    }
    Ok(())
}

fn at_most_one_more(what: &str, before: &[usize], after: &[usize]) -> Check {
    let before = before.iter().chain(std::iter::repeat(&0));
    let most = after
        .iter()
        .zip(before)
        .map(|(after, before)| after - before);
    let most = most.max().unwrap_or(0);
    ensure(
        most <= 1,
        format!("one poll of a {what} polls an inner {what} at most once"),
        format!("it does so {most} times"),
    )
}

/// The number of polls, 250 ms apart.
const POLLS: usize = 20;
