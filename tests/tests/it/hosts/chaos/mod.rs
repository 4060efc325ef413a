//! Every fault over real connections, as the peer observes it.
//!
//! A fault with a duration lasts until the injector is disarmed, so no test waits for a clock.

mod grpc;
mod in_client;
mod on_server;

use std::time::Duration;

use buttress::chaos::{Answer, BodyFault, Latency};
use buttress::prelude::*;
use buttress_core::classify_error;
use http::Response;
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::hosts::support::within;

/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(600);

/// How long a peer waits for a response that must not arrive.
const LOOK: Duration = Duration::from_millis(30);

const STALL: BodyFault = BodyFault::Stall {
    after: 5,
    lasting: FOR_EVER,
};

const DRIP: BodyFault = BodyFault::Drip {
    bytes: 5,
    every: Duration::from_millis(1),
};

fn injector() -> Injector {
    let config = InjectorConfig::default().kill_variable(None);
    Injector::new("chaos", config.fault_header(true))
}

/// An injector with this fault for every call.
fn armed(fault: Fault) -> Injector {
    let injector = injector();
    arm(&injector, fault);
    injector
}

fn arm(injector: &Injector, fault: Fault) {
    let plan = Plan::new(7).fault(PlannedFault::new("fault", fault));
    injector.arm(plan).unwrap();
}

fn delay() -> Fault {
    Fault::Delay(Latency::Fixed(FOR_EVER))
}

fn grpc_status() -> Answer {
    Answer::GrpcStatus {
        code: 8,
        message: "on purpose".into(),
    }
}

/// A reader's view of the whole response, in a line: the status, the relevant headers, the body, and how it ended.
async fn seen<B>(answer: Result<Response<B>, BoxError>) -> String
where
    B: http_body::Body<Data = bytes::Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let response = match answer {
        Ok(response) => response,
        Err(error) => return failure(&error),
    };
    let mut seen = response.status().as_u16().to_string();
    for name in ["x-buttress-fault", "grpc-status", "content-length"] {
        if let Some(value) = response.headers().get(name) {
            seen += &format!(" {name}={}", value.to_str().unwrap());
        }
    }
    let mut body = response.into_body();
    let mut text = String::new();
    let end = loop {
        match within(body.frame()).await {
            None => break "end".to_owned(),
            Some(Err(error)) => break failure(&error.into()),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => text += &String::from_utf8_lossy(&data),
                Err(_) => text += "[trailers]",
            },
        }
    };
    format!("{seen} {text:?} {end}")
}

/// The outcome that a layer would read from an error.
fn failure(error: &BoxError) -> String {
    let whose = match Rejection::find(&**error) {
        Some(rejection) => rejection.reason().as_str(),
        None => "of the connection",
    };
    format!("{:?}, {whose}", classify_error(&**error).outcome)
}

/// Checks that `answer` is pending while the fault is injected, and returns its output afterwards.
async fn held<T>(injector: &Injector, answer: impl Future<Output = T>) -> T {
    let mut answer = std::pin::pin!(answer);
    let affected = async {
        while injector.snapshot().active == 0 {
            assert!(
                timeout(LOOK / 10, answer.as_mut()).await.is_err(),
                "not held"
            );
        }
        assert!(timeout(LOOK, answer.as_mut()).await.is_err(), "not held");
    };
    within(affected).await;
    injector.disarm();
    within(answer).await
}
