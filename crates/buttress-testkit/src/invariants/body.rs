//! The response body: passed on unchanged, with the slot released where the layer declares that a call ends.

use std::pin::Pin;
use std::task::Poll;

use http::{Method, Response, StatusCode};
use http_body::Body;

use super::Invariant;
use crate::call_state::{CallState, Piece};
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::harness::{Harness, TestEnv};
use crate::{CountingWaker, Script, TestBody};

pub(super) const FAMILY: &[Invariant] = &[Invariant {
    name: "A8",
    statement: "a body arrives unchanged, and its call ends when the layer declares",
    check: bodies,
}];

/// Frames, trailers, errors, `size_hint` and `is_end_stream` are the same outside as inside. A layer that holds its
/// slots to the end of the body releases each at the end, at the trailers, on an error or when the body is dropped, and
/// with the headers if there is no body. Any other layer releases the slot with the headers.
///
/// Derived from limits that bound only how many streams start (tower-http#447), swallowed trailers, and wrappers that
/// do not forward `size_hint`.
fn bodies(env: &TestEnv<'_>) -> Check {
    for body in samples() {
        arrives_as_sent(&env.harness(), body)?;
    }
    if env.contract.holds_body {
        for (body, until) in endings() {
            held_until(&env.harness(), body, until)?;
        }
        headers_are_the_end_of_the_bodiless(env)
    } else if env.contract.capacity.is_some() {
        let harness = env.harness();
        let _answered = answered(&harness, open_body())?;
        a_slot_is_free(&harness, "the headers, which end the call,")
    } else {
        Ok(())
    }
}

fn samples() -> [TestBody; 6] {
    let body = TestBody::empty;
    [
        body(),
        body().data("whole"),
        body()
            .data("a")
            .pending()
            .data("bc")
            .trailer("grpc-status", "0"),
        body().trailer("grpc-status", "14"),
        body().data("a").err("broken off"),
        // Declares more bytes than it yields.
        body().declare(10).data("short"),
    ]
}

fn arrives_as_sent(harness: &Harness<'_>, body: TestBody) -> Check {
    let expected = trace(&mut body.clone());
    harness.probe.let_go();
    harness.probe.script(Script::new().ok(Response::new(body)));
    let mut caller = harness.caller();
    caller.expect(CallState::Responded, "a call")?;
    let Some(Ok(response)) = caller.answer() else {
        return ensure(false, "the answer of the inner service", "an error");
    };
    let seen = trace(response.body_mut());
    ensure(
        seen == expected,
        format!("the body [{}]", expected.join("; ")),
        format!("[{}]", seen.join("; ")),
    )?;
    drop(caller);
    harness.at_rest("a body was read")
}

/// What a body reports before each poll, and the result of the poll.
fn trace<B>(body: &mut B) -> Vec<String>
where
    B: Body<Data = bytes::Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let task = CountingWaker::new();
    let mut trace = Vec::new();
    for _ in 0..16 {
        let hint = body.size_hint();
        let end = if body.is_end_stream() {
            ", at its end"
        } else {
            ""
        };
        let (lower, upper) = (hint.lower(), hint.upper());
        let upper = upper.map_or_else(String::new, |upper| upper.to_string());
        let what = match task.poll(|cx| Pin::new(&mut *body).poll_frame(cx)) {
            Poll::Pending => "pending".to_owned(),
            Poll::Ready(None) => "the end".to_owned(),
            Poll::Ready(Some(Err(error))) => format!("error {error}"),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => format!("data {:?}", String::from_utf8_lossy(&data)),
                Err(frame) => format!("trailers {:?}", frame.trailers_ref()),
            },
        };
        let last = what == "the end" || what.starts_with("error");
        trace.push(format!("{lower}..={upper}{end}: {what}"));
        if last {
            break;
        }
    }
    trace
}

fn open_body() -> Response<TestBody> {
    Response::new(TestBody::empty().data("a").data("b"))
}

/// Bodies, and the piece that ends each; `None` where the body is dropped instead.
fn endings() -> [(TestBody, Option<Piece>); 4] {
    let body = || TestBody::empty().data("a");
    [
        (body().data("b"), Some(Piece::End)),
        (body().trailer("grpc-status", "0"), Some(Piece::Trailers)),
        (body().err("broken off"), Some(Piece::Error)),
        (body().data("b"), None),
    ]
}

fn held_until(harness: &Harness<'_>, body: TestBody, until: Option<Piece>) -> Check {
    let mut answered = answered(harness, Response::new(body))?;
    no_more_fit(harness)?;
    ensure(
        answered[0].poll_body() == Some(Piece::Data),
        "the body's first frame",
        "something else",
    )?;
    no_more_fit(harness)?;
    let what = match until {
        None => {
            answered[0].hang_up();
            "the drop of a body".to_owned()
        }
        Some(piece) => {
            let came = answered[0].read_body(piece);
            let what = format!("the body's {piece}");
            ensure(came, &*what, "it does not come")?;
            what
        }
    };
    a_slot_is_free(harness, &what)?;
    drop(answered);
    harness.at_rest("all bodies are dropped")
}

/// An empty body, and the responses to a `HEAD`, a 204 and a 304: the call ends with the headers.
fn headers_are_the_end_of_the_bodiless(env: &TestEnv<'_>) -> Check {
    let cases = [
        (Method::GET, StatusCode::OK),
        (Method::HEAD, StatusCode::OK),
        (Method::GET, StatusCode::NO_CONTENT),
        (Method::GET, StatusCode::NOT_MODIFIED),
    ];
    for (method, status) in cases {
        let harness = env.harness();
        harness.probe.let_go();
        // The body of a HEAD may declare the length that a GET would have.
        let body = if method == Method::HEAD {
            TestBody::empty().declare(10)
        } else {
            TestBody::empty()
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        harness.probe.script(Script::new().ok(response));
        let mut answered = harness.callers(env.several());
        for caller in &mut answered {
            caller.method(&method);
            caller.expect(CallState::Responded, "a call")?;
        }
        if env.contract.capacity.is_some() {
            a_slot_is_free(
                &harness,
                &format!("the headers of {method} and {status} without a body"),
            )?;
        }
    }
    Ok(())
}

/// Fills the capacity with answered calls whose bodies are not read.
fn answered<'a>(
    harness: &'a Harness<'_>,
    response: Response<TestBody>,
) -> Result<Vec<Caller<'a>>, Finding> {
    harness.probe.let_go();
    harness.probe.script(Script::new().ok(response));
    let mut callers = harness.callers(harness.env.several());
    for caller in &mut callers {
        caller.expect(CallState::Responded, "a call")?;
    }
    harness.probe.hold();
    Ok(callers)
}

fn no_more_fit(harness: &Harness<'_>) -> Check {
    if harness.env.contract.capacity.is_none() {
        return Ok(());
    }
    ensure(
        harness.caller().poll() != CallState::Inside,
        "no other call is admitted while all bodies are open",
        "one was admitted",
    )
}

fn a_slot_is_free(harness: &Harness<'_>, after: &str) -> Check {
    if harness.env.contract.capacity.is_none() {
        return Ok(());
    }
    let who = format!("the next caller after {after}");
    harness.probe.hold();
    harness.caller().expect(CallState::Inside, &who)
}
