//! Callers that have their response, and do not read its body to the end, or read it slowly.

use std::time::Duration;

use http::Response;

use super::{Invariant, MOMENT};
use crate::call_state::{CallState, Piece};
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::harness::{Harness, TestEnv};
use crate::{Script, TestBody};

pub(super) const FAMILY: &[Invariant] = &[
    Invariant {
        name: "A10",
        statement: "neither a slow reader nor one that hangs up counts as a failure",
        check: readers_are_neutral,
    },
    Invariant {
        name: "A11",
        statement: "an unread response ends by its deadline, polled or not",
        check: unread_bodies_end,
    },
];

/// The inner service answers immediately, head and body. One after another, readers drop the response after the head,
/// in the middle of the body, after a pause in the middle, or without polling it; others pause, and then read it all.
/// After any number of each kind nothing remains of them, and the next calls are admitted immediately.
///
/// Derived from circuits that recorded dropped streams as timeouts, and slow readers as slow calls.
fn readers_are_neutral(env: &TestEnv<'_>) -> Check {
    for pause in PAUSES {
        for kind in KINDS {
            let harness = env.harness();
            harness.probe.let_pass();
            harness.probe.script(Script::new().ok(answer()));
            for number in 1..=READERS {
                let mut reader = harness.caller();
                let who = format!("reader {number} of those that {}", kind.what);
                reader.expect(CallState::Responded, &who)?;
                (kind.reads)(&harness, &mut reader, pause);
            }
            let what = format!(
                "{READERS} readers that {}, pausing for {pause:?},",
                kind.what
            );
            harness.at_rest_at_once(&what)?;
        }
    }
    Ok(())
}

struct Kind {
    what: &'static str,
    reads: fn(&Harness<'_>, &mut Caller<'_>, Duration),
}

const KINDS: [Kind; 4] = [
    Kind {
        what: "hang up after the head",
        reads: |harness, _, pause| harness.env.clock.advance(pause),
    },
    Kind {
        what: "hang up in the middle",
        reads: |harness, reader, pause| {
            harness.env.clock.advance(pause);
            reader.poll_body();
        },
    },
    Kind {
        what: "stall in the middle, and hang up",
        reads: |harness, reader, pause| {
            reader.poll_body();
            harness.env.clock.advance(pause);
        },
    },
    Kind {
        what: "pause in the middle, and read it all",
        reads: |harness, reader, pause| {
            reader.poll_body();
            harness.env.clock.advance(pause);
            reader.read_body(Piece::End);
        },
    },
];

/// All slots are taken by answered calls whose bodies are then not polled, either before the first frame or after it.
/// By the time declared for a call, their slots are free, a waiter is woken, and the inner bodies are dropped. A reader
/// that polls afterwards gets an error, and not the end of the body.
///
/// Derived from deadlines that are checked only when the body is polled: hyper does not poll the body for a client that
/// does not read, and two such sockets held all slots of a bulkhead.
fn unread_bodies_end(env: &TestEnv<'_>) -> Check {
    let Some(longest) = env.contract.ends_within else {
        return Err(Finding::not_applicable("it declares no end of a call"));
    };
    unanswered_calls_end(&env.harness(), longest)?;
    for frames in 0..=1 {
        let harness = env.harness();
        harness.probe.let_pass();
        harness.probe.script(Script::new().ok(answer()));
        let mut unread = harness.callers(env.several());
        for reader in &mut unread {
            reader.expect(CallState::Responded, "a call")?;
            for _ in 0..frames {
                reader.poll_body();
            }
        }
        harness.probe.hold();
        let (early, late) = halves(env, longest);
        env.clock.advance(early);
        let mut waiting = harness.caller();
        let waits = env.contract.capacity.is_some() && waiting.poll() == CallState::Waiting;
        env.clock.advance(late + MOMENT);

        let what = format!("{longest:?} with bodies of which {frames} frames were read");
        if waits {
            ensure(
                waiting.is_woken() && waiting.poll() == CallState::Inside,
                format!("after {what}, a waiter is admitted"),
                format!("it is {}", waiting.state()),
            )?;
        }
        drop(waiting);
        next_get_in(&harness, &what)?;
        let open = harness.probe.open_bodies();
        ensure(
            open == 0,
            format!("after {what}, no inner body is left"),
            format!("{open} are"),
        )?;
        for reader in &mut unread {
            let seen = reader.poll_body();
            ensure(
                seen == Some(Piece::Error),
                "a body that was ended is an error for a reader that continues",
                seen.map_or_else(|| "nothing".to_owned(), |piece| piece.to_string()),
            )?;
        }
        drop(unread);
        harness.nothing_left("unread bodies")?;
    }
    Ok(())
}

/// The inner service never responds.
fn unanswered_calls_end(harness: &Harness<'_>, longest: Duration) -> Check {
    let mut inside = harness.inside(harness.env.several())?;
    harness.env.clock.advance(longest + MOMENT);
    for caller in &mut inside {
        ensure(
            caller.is_woken() && caller.poll().is_over(),
            format!("after {longest:?}, a call that is not answered is woken and over"),
            format!("it is {}", caller.state()),
        )?;
    }
    drop(inside);
    harness.nothing_left("calls that were not answered")
}

/// Returns how long to wait before a caller arrives that waits no longer than declared, and the time left after that.
fn halves(env: &TestEnv<'_>, longest: Duration) -> (Duration, Duration) {
    let shortest = env.contract.longest_wait().unwrap_or(longest);
    let late = shortest / 2;
    (longest - late, late)
}

fn next_get_in(harness: &Harness<'_>, after: &str) -> Check {
    let few = harness.env.contract.capacity.unwrap_or(1);
    let mut next = harness.callers(few);
    for caller in &mut next {
        caller.expect(CallState::Inside, &format!("a call after {after}"))?;
    }
    next.iter_mut().for_each(Caller::finish_and_leave);
    Ok(())
}

fn answer() -> Response<TestBody> {
    Response::new(TestBody::empty().data("a").data("b").data("c"))
}

/// How long readers pause, or do not poll.
const PAUSES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_secs(2),
    Duration::from_secs(3_600),
];

/// The number of readers of each kind, one after another.
const READERS: usize = 30;
