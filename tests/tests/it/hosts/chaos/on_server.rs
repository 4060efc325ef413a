//! Faults on a server: hyper and axum, with reqwest through `HttpClient` as the client.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body as AxumBody;
use axum::routing::get;
use buttress::chaos::{Answer, BodyFault};
use buttress::prelude::*;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use reqwest::Body;
use tokio::time::timeout;
use tower::{Layer, ServiceBuilder, ServiceExt};

use super::{DRIP, LOOK, STALL, arm, armed, delay, grpc_status, held, injector, seen};
use crate::hosts::support::{listen, serve, uri, within};

/// Directly in hyper, so that errors do not become responses.
#[tokio::test]
async fn a_client_gets_each_injected_response() {
    for (answer, expected) in [
        (Answer::Abort, BROKEN),
        (Answer::Error, BROKEN),
        (Answer::Panic, BROKEN),
        (
            Answer::Status(503),
            r#"503 x-buttress-fault=fault content-length=0 "" end"#,
        ),
        (
            grpc_status(),
            r#"200 x-buttress-fault=fault grpc-status=8 content-length=0 "" end"#,
        ),
    ] {
        let injector = armed(Fault::Answer(answer.clone()));
        let address = hyper(&injector).await;
        assert_eq!(seen(ask(address, "/").await).await, expected, "{answer:?}");
        assert_eq!(injector.snapshot().active, 0, "{answer:?}");
        // Whatever happened to that connection, the server serves the next.
        injector.disarm();
        assert_eq!(seen(ask(address, "/").await).await, WHOLE, "{answer:?}");
    }
}

#[tokio::test]
async fn a_client_waits_for_a_hung_or_delayed_call_until_the_plan_ends() {
    let injector = armed(Fault::Answer(Answer::Hang));
    let address = hyper(&injector).await;
    let answer = held(&injector, ask(address, "/")).await;
    assert_eq!(seen(answer).await, BROKEN);

    arm(&injector, delay());
    let answer = held(&injector, ask(address, "/")).await;
    let whole = WHOLE.replace("200", "200 x-buttress-fault=fault");
    assert_eq!(seen(answer).await, whole);
}

/// If the head has a length, a client detects missing bytes, but never changed bytes.
#[tokio::test]
async fn a_client_observes_each_fault_in_a_body_of_known_length() {
    for (fault, expected) in [
        (BodyFault::Truncate { after: 5 }, torn("hello")),
        (
            BodyFault::Corrupt { after: 0 },
            whole("\u{fffd}ello, world"),
        ),
        (DRIP, whole("hello, world")),
        (BodyFault::Reset { after: 5 }, torn("hello")),
        (BodyFault::LoseTrailers, whole("hello, world")),
        // HTTP/1.1 does not send them, because they were not requested.
        (
            BodyFault::AlterTrailers { grpc_status: 13 },
            whole("hello, world"),
        ),
        (
            BodyFault::WrongLength { excess: 3 },
            torn("hello, world").replace("=12", "=15"),
        ),
    ] {
        let injector = armed(Fault::Body(fault));
        let address = hyper(&injector).await;
        let seen = seen(ask(address, "/").await).await;
        // hyper decides how much of an aborted body is sent before the connection breaks.
        let (seen, expected) = (without_torn_text(&seen), without_torn_text(&expected));
        assert_eq!(seen, expected, "{fault:?}");
        crate::hosts::support::until(|| injector.snapshot().active == 0).await;
    }
}

/// If the head has no length, a body that is cut short is complete for its reader. Only a check of the content
/// detects that fault.
#[tokio::test]
async fn a_client_observes_each_fault_in_a_stream() {
    let tail = |text: &str, end: &str| format!("200 x-buttress-fault=fault {text:?} {end}");
    for (fault, expected) in [
        (BodyFault::Truncate { after: 5 }, tail("hello", "end")),
        (
            BodyFault::Corrupt { after: 6 },
            tail("hello,\u{fffd}world", "end"),
        ),
        (DRIP, tail("hello, world", "end")),
        (BodyFault::Reset { after: 5 }, tail("hello", BROKEN)),
        (BodyFault::LoseTrailers, tail("hello, world", "end")),
        // There is no length to be wrong.
        (
            BodyFault::WrongLength { excess: 3 },
            tail("hello, world", "end"),
        ),
    ] {
        let injector = armed(Fault::Body(fault));
        let address = hyper(&injector).await;
        let seen = seen(ask(address, "/stream").await).await;
        let (seen, expected) = (without_torn_text(&seen), without_torn_text(&expected));
        assert_eq!(seen, expected, "{fault:?}");
    }
}

#[tokio::test]
async fn a_client_reads_the_rest_of_a_stalled_body_when_the_plan_ends() {
    for path in ["/", "/stream"] {
        let injector = armed(Fault::Body(STALL));
        let address = hyper(&injector).await;
        let mut body = ask(address, path).await.unwrap().into_body();
        let mut text = Vec::new();
        while text.len() < 5 {
            let frame = within(body.frame()).await.unwrap().unwrap();
            text.extend(frame.into_data().unwrap());
        }
        assert_eq!(text, b"hello");
        assert!(timeout(LOOK, body.frame()).await.is_err(), "nothing comes");
        assert_eq!(injector.snapshot().active, 1);
        injector.disarm();
        let rest = within(body.collect()).await.unwrap().to_bytes();
        assert_eq!(rest, ", world", "{path}");
    }
}

/// In axum an error must become a response, and a problem layer converts it.
#[tokio::test]
async fn a_client_of_axum_gets_a_problem_for_an_error() {
    for (answer, expected) in [
        (Answer::Error, r#"503 "#),
        (Answer::Abort, r#"503 "#),
        (Answer::Status(429), r#"429 x-buttress-fault=fault"#),
    ] {
        let injector = armed(Fault::Answer(answer.clone()));
        let app = Router::new()
            .route("/", get(async || "hello, world"))
            .layer(
                ServiceBuilder::new()
                    .layer(ProblemLayer::default())
                    .layer(ChaosLayer::client(&injector)),
            );
        let address = serve(app).await;
        let seen = seen(ask(address, "/").await).await;
        assert!(seen.starts_with(expected), "{answer:?}: {seen}");
        let is_problem = seen.contains(r#"\"reason\":\"fault_injected\""#);
        assert_eq!(is_problem, answer != Answer::Status(429), "{seen}");
    }
}

/// The result of an error or a panic in a server, for the client.
const BROKEN: &str = "Failure(Transport), of the connection";

const WHOLE: &str = r#"200 content-length=12 "hello, world" end"#;

fn whole(text: &str) -> String {
    format!("200 x-buttress-fault=fault content-length=12 {text:?} end")
}

fn torn(text: &str) -> String {
    format!("200 x-buttress-fault=fault content-length=12 {text:?} {BROKEN}")
}

/// Removes the text of a response that broke off, which varies.
fn without_torn_text(seen: &str) -> &str {
    if seen.ends_with(BROKEN) { BROKEN } else { seen }
}

/// A hyper server, all responses of which pass through the injector.
async fn hyper(injector: &Injector) -> SocketAddr {
    let stream = async || {
        let frames = ["hello,", " world"].map(|part| {
            Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from_static(part.as_bytes())))
        });
        Response::new(AxumBody::new(StreamBody::new(tokio_stream::iter(frames))))
    };
    let router: Router = Router::new()
        .route("/", get(async || "hello, world"))
        .route("/stream", get(stream));
    let service = ChaosLayer::client(injector).layer(router);
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
        }
    });
    address
}

/// Sends a request with a separate client, and so a separate connection.
async fn ask(address: SocketAddr, path: &str) -> Result<Response<Body>, BoxError> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = Request::get(uri(address, path)).body(Body::default());
    within(HttpClient::from(client).oneshot(request.unwrap())).await
}

#[tokio::test]
async fn a_disarmed_injector_is_not_observable() {
    let address = hyper(&injector()).await;
    assert_eq!(seen(ask(address, "/").await).await, WHOLE);
}
