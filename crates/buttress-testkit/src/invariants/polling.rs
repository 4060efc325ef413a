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
    statement: "one poll of a call or a body polls each inner call or body at most once",
    check: one_poll_outside_is_one_inside,
}];

/// A slow call is polled repeatedly while time passes, so that timeouts, hedges and deadlines apply. Each poll polls
/// each inner call at most once. The same holds for the body, where the poll yields no frame.
///
/// Derived from a timeout around an attempt that polled it once for itself, and once for the timer.
fn one_poll_outside_is_one_inside(env: &TestEnv<'_>) -> Check {
    let harness = env.harness();
    let (head, frame) = (Gate::new(), Gate::new());
    let body = TestBody::empty().data("a").wait(&frame).data("b");
    let script = Script::new().wait(&head).ok(Response::new(body));
    harness.probe.let_go();
    harness.probe.script(script);

    let mut caller = harness.caller();
    for _ in 0..POLLS {
        let before = harness.probe.polls();
        let state = caller.poll_once();
        at_most_one_more("call", &before, &harness.probe.polls())?;
        if state.is_over() {
            // The layer's own timeout ended the call.
            caller.again();
        }
        env.clock.advance(Duration::from_millis(250));
    }
    head.open();
    let before = harness.probe.polls();
    if caller.poll_once() != CallState::Responded {
        return Ok(());
    }
    at_most_one_more("call", &before, &harness.probe.polls())?;

    caller.poll_body();
    for _ in 0..POLLS {
        let before = harness.probe.polls();
        if caller.poll_body().is_none() {
            at_most_one_more("body", &before, &harness.probe.polls())?;
        }
        env.clock.advance(Duration::from_millis(250));
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
