//! How a call's guard ends, for each way in which its response ends.

mod body_end;
mod grpc;
mod protocol;
mod scripted;
mod transparency;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use buttress_core::{
    BoxError, ClassifiedError, FailureKind, Outcome, Protocol, Reason, Rejection, Report,
};
use buttress_http::{Classify, GuardedBody, Http, Until};
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, SizeHint};
use http_body_util::{Empty, Full};
use proptest::prelude::*;

use scripted::{Call, Ledger, Scripted, Step, header_map, response};

const SUCCESS: Option<Outcome> = Some(Outcome::Success);
const ERROR: Option<Outcome> = Some(Outcome::Failure(FailureKind::Error));
const TRANSPORT: Option<Outcome> = Some(Outcome::Failure(FailureKind::Transport));
const CANCELLED: Option<Outcome> = None;

const GRPC: (&str, &str) = ("content-type", "application/grpc");

fn hello() -> Scripted {
    Scripted::new([Step::Data("he"), Step::Pending, Step::Data("llo")])
}

fn trailers(headers: &[(&'static str, &'static str)]) -> Step {
    Step::Trailers(header_map(headers))
}

/// Reads a response to its end, then drops it.
fn read(protocol: &Http, response: Response<Scripted>) -> Vec<Option<Outcome>> {
    let mut call = Call::new(protocol, response);
    call.read_to_end();
    call.dropped()
}

fn ended() -> Scripted {
    Scripted::new([]).knowing_its_end()
}
