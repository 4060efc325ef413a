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
    statement: "a panic of the inner service unwinds to its caller alone",
    check: panics_unwind_to_their_caller,
}];

/// The inner service panics in `poll_ready`, in `call`, in a poll of its future, when the future is dropped, finished
/// or not, and in its body. A concurrent call continues, nothing leaks, and the next hundred calls succeed.
///
/// Derived from `lock().unwrap()` on a mutex that the panic poisoned (tower-resilience#313), and from permits that a
/// panic leaks.
fn panics_unwind_to_their_caller(lab: &TestEnv<'_>) -> Check {
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
        let bench = lab.bench();
        let beside = neighbour(&bench)?;
        bench.probe.let_pass();
        bench.probe.script_next(script);
        suffer(&bench);
        recovers(&bench, beside, what)?;
    }

    let bench = lab.bench();
    let beside = neighbour(&bench)?;
    bench.probe.panics_in_poll_ready();
    suffer(&bench);
    bench.probe.ready();
    recovers(&bench, beside, "a panic in poll_ready")
}

/// Returns a caller that is inside, if the capacity allows two.
fn neighbour<'a>(bench: &'a Harness<'_>) -> Result<Option<Caller<'a>>, crate::finding::Finding> {
    if bench.lab.several() < 2 {
        return Ok(None);
    }
    Ok(bench.inside(1)?.pop())
}

/// Runs one whole call including its body, and catches any panic.
fn suffer(bench: &Harness<'_>) {
    let mut caller = bench.caller();
    // The result is deliberately not checked: a layer may turn a panic into a response.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        caller.poll();
        caller.read_body(Piece::End);
    }));
    let _ = catch_unwind(AssertUnwindSafe(|| drop(caller)));
}

fn recovers(bench: &Harness<'_>, beside: Option<Caller<'_>>, what: &str) -> Check {
    if let Some(mut beside) = beside {
        beside.finish();
        ensure(
            beside.succeeded(),
            format!("a call beside {what} succeeds"),
            format!("it is {}", beside.state()),
        )?;
    }
    bench.at_rest(what)?;
    bench.works(100, what)
}
