//! Readers that do not poll their response body while other callers find no free slot.

use std::time::Duration;

use http::Response;

use super::Invariant;
use crate::call_state::{CallState, Piece};
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::harness::{Harness, TestEnv};
use crate::{Gate, Script, TestBody};

pub(super) const FAMILY: &[Invariant] = &[Invariant {
    name: "A13",
    statement: "only a reader that polls no frame loses its slot, and only when another call needs one",
    check: idle_readers_make_room,
}];

/// All slots are taken by answered calls, whose readers do not poll for the first frame, or for the second. Before the
/// declared time is over they keep their slots. Soon after it other callers are admitted, both new callers and those
/// that already wait. The bodies of the idle readers continue, and do not release a slot a second time.
///
/// A reader that has polled for a frame, and waits for the inner service, keeps its slot.
///
/// Derived from bulkheads that are held by sockets that are open and not read, and from incorrect fixes for them.
fn idle_readers_make_room(env: &TestEnv<'_>) -> Check {
    let Some(idle) = env.contract.reader_idle else {
        let why = "it does not declare that idle readers lose their slots";
        return Err(Finding::not_applicable(why));
    };
    for frames in 0..=1 {
        newcomers_get_in(env, idle, frames)?;
        a_waiter_gets_in(env, idle, frames)?;
    }
    readers_of_a_slow_body_stay(env, idle)
}

fn newcomers_get_in(env: &TestEnv<'_>, idle: Duration, frames: usize) -> Check {
    let harness = env.harness();
    let mut readers = idle_readers(&harness, idle, frames)?;
    env.clock.advance(idle / 4 * 3);
    let what = format!("readers that have read {frames} frames");
    keeps_out(&harness, &format!("beside {what}, {:?} ago", idle / 4 * 3))?;
    env.clock.advance(idle / 4 + idle / LATE);

    let mut newcomers = harness.callers(env.capacity()?);
    for newcomer in &mut newcomers {
        newcomer.expect(
            CallState::Inside,
            &format!("a call beside {what}, more than {idle:?} ago,"),
        )?;
    }
    for reader in &mut readers {
        ensure(
            reader.read_body(Piece::End),
            "the response of a reader that lost its slot continues to its end",
            "it does not",
        )?;
    }
    keeps_out(&harness, "once such readers have read all")?;
    newcomers.iter_mut().for_each(Caller::finish_and_leave);
    drop((readers, newcomers));
    harness.at_rest("idle readers")
}

fn a_waiter_gets_in(env: &TestEnv<'_>, idle: Duration, frames: usize) -> Check {
    let longest = env.contract.longest_wait();
    if longest.is_some_and(|longest| longest <= idle * 2) {
        return Ok(());
    }
    let harness = env.harness();
    let readers = idle_readers(&harness, idle, frames)?;
    let mut waiting = harness.caller();
    if waiting.poll() != CallState::Waiting {
        return Ok(());
    }
    env.clock.advance(idle + idle / LATE);
    ensure(
        waiting.is_woken() && waiting.poll() == CallState::Inside,
        format!(
            "a caller that waits since readers read {frames} frames is admitted after {idle:?}"
        ),
        format!("it is {}", waiting.state()),
    )?;
    waiting.finish_and_leave();
    drop((readers, waiting));
    harness.at_rest("a wait for idle readers")
}

/// Advances half of the idle time before each frame is read, because the time starts again with each frame.
fn idle_readers<'a>(
    harness: &'a Harness<'_>,
    idle: Duration,
    frames: usize,
) -> Result<Vec<Caller<'a>>, Finding> {
    let body = TestBody::empty().data("a").data("b").data("c");
    let mut readers = answered(harness, &body)?;
    for _ in 0..frames {
        harness.env.clock.advance(idle / 2);
        for reader in &mut readers {
            reader.poll_body();
        }
    }
    Ok(readers)
}

fn readers_of_a_slow_body_stay(env: &TestEnv<'_>, idle: Duration) -> Check {
    let harness = env.harness();
    let gate = Gate::new();
    let body = TestBody::empty().data("a").wait(&gate).data("b");
    let mut readers = answered(&harness, &body)?;
    for reader in &mut readers {
        reader.poll_body();
        reader.poll_body();
    }
    env.clock.advance(idle * 2);
    keeps_out(&harness, "beside readers that wait for the inner service")?;
    gate.open();
    for reader in &mut readers {
        reader.read_body(Piece::End);
    }
    drop(readers);
    harness.at_rest("readers that waited for the inner service")
}

/// Fills the capacity with calls that are answered with `body`. Later calls are held inside.
fn answered<'a>(harness: &'a Harness<'_>, body: &TestBody) -> Result<Vec<Caller<'a>>, Finding> {
    harness.probe.let_pass();
    harness
        .probe
        .script(Script::new().ok(Response::new(body.clone())));
    let mut readers = harness.callers(harness.env.capacity()?);
    for reader in &mut readers {
        reader.expect(CallState::Responded, "a call")?;
    }
    harness.probe.hold();
    Ok(readers)
}

fn keeps_out(harness: &Harness<'_>, when: &str) -> Check {
    let mut other = harness.caller();
    let seen = other.poll();
    ensure(
        seen != CallState::Inside,
        format!("{when}, no other call gets in"),
        format!("one is {seen}"),
    )
}

/// A layer may be late by the idle time divided by this.
const LATE: u32 = 8;
