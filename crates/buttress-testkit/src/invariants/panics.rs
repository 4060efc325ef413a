//! Panics of the inner service.

use std::panic::{AssertUnwindSafe, catch_unwind};

use http::Response;

use super::Invariant;
use crate::call_state::Piece;
use crate::caller::Caller;
use crate::finding::{Check, ensure};
use crate::harness::{Harness, TestEnv};
use crate::{Script, TestBody};

pub(super) const FAMILY: &[Invariant] = &[Invariant {
    name: "A4",
    statement: "a panic of the inner service unwinds only to its own caller",
    check: panics_unwind_to_their_caller,
}];

/// The inner service panics in `poll_ready`, in `call`, in a poll of its future, when the future is dropped, finished
/// or not, and in its body. A concurrent call continues, nothing leaks, and the next hundred calls succeed.
///
/// Derived from `lock().unwrap()` on a mutex that the panic poisoned (tower-resilience#313), and from permits that a
/// panic leaks.
fn panics_unwind_to_their_caller(env: &TestEnv<'_>) -> Check {
    let end = || Response::new(TestBody::empty());
    let cases: [(&str, Script<Response<TestBody>>); 5] = [
        ("a panic in call", Script::new().panic_in_call()),
        ("a panic in a poll", Script::new().pending(1).panic()),
        (
            "a panic in the drop of a call",
            Script::new().panic_in_drop(),
        ),
        (
            "a panic in the drop of a finished call",
            Script::new().ok(end()).panic_in_drop(),
        ),
        (
            "a panic in a body",
            Script::new().ok(Response::new(TestBody::empty().data("a").panic())),
        ),
    ];
    for (what, script) in cases {
        let harness = env.harness();
        let beside = neighbour(&harness)?;
        harness.probe.let_pass();
        harness.probe.script_next(script);
        suffer(&harness);
        recovers(&harness, beside, what)?;
    }

    let harness = env.harness();
    let beside = neighbour(&harness)?;
    harness.probe.panics_in_poll_ready();
    suffer(&harness);
    harness.probe.ready();
    recovers(&harness, beside, "a panic in poll_ready")
}

/// Returns a caller that is inside, if the capacity allows two.
fn neighbour<'a>(harness: &'a Harness<'_>) -> Result<Option<Caller<'a>>, crate::finding::Finding> {
    if harness.env.several() < 2 {
        return Ok(None);
    }
    Ok(harness.inside(1)?.pop())
}

/// Runs one whole call including its body, and catches any panic.
fn suffer(harness: &Harness<'_>) {
    let mut caller = harness.caller();
    // The result is deliberately not checked: a layer may turn a panic into a response.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        caller.poll();
        caller.read_body(Piece::End);
    }));
    let _ = catch_unwind(AssertUnwindSafe(|| drop(caller)));
}

fn recovers(harness: &Harness<'_>, beside: Option<Caller<'_>>, what: &str) -> Check {
    if let Some(mut beside) = beside {
        beside.finish();
        ensure(
            beside.succeeded(),
            format!("a call beside {what} succeeds"),
            format!("it is {}", beside.state()),
        )?;
    }
    harness.at_rest(what)?;
    harness.works(100, what)
}
