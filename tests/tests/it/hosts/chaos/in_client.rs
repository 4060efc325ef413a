//! Faults in a client: reqwest through `HttpClient` with an injector, in front of a healthy server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get;
use buttress::chaos::{Answer, BodyFault, ChaosService, HttpCalls};
use buttress::prelude::*;
use http::Request;
use http_body_util::BodyExt;
use reqwest::Body;
use tokio::time::timeout;
use tower::{Layer, ServiceExt};

use super::{DRIP, LOOK, STALL, armed, delay, grpc_status, held, seen};
use crate::hosts::support::{serve, uri, within};

#[tokio::test]
async fn a_caller_gets_each_injected_response_and_the_server_is_not_called() {
    for (answer, expected) in [
        (Answer::Abort, "Failure(Transport), fault_injected"),
        (Answer::Error, "Failure(Error), fault_injected"),
        (Answer::Status(503), r#"503 x-buttress-fault=fault "" end"#),
        (
            grpc_status(),
            r#"200 x-buttress-fault=fault grpc-status=8 "" end"#,
        ),
    ] {
        let (client, request_count) = behind(&armed(Fault::Answer(answer.clone()))).await;
        let answered = within(client.oneshot(request())).await;
        assert_eq!(seen(answered).await, expected, "{answer:?}");
        assert_eq!(request_count.load(Ordering::Relaxed), 0, "{answer:?}");
    }
}

#[tokio::test]
async fn a_caller_waits_for_a_hung_or_delayed_call_until_the_plan_ends() {
    let injector = armed(Fault::Answer(Answer::Hang));
    let (client, request_count) = behind(&injector).await;
    let answer = held(&injector, client.oneshot(request())).await;
    assert_eq!(seen(answer).await, "Failure(Timeout), fault_injected");
    assert_eq!(request_count.load(Ordering::Relaxed), 0);

    let injector = armed(delay());
    let (client, request_count) = behind(&injector).await;
    let answer = held(&injector, client.oneshot(request())).await;
    assert_eq!(seen(answer).await, body("hello, world", "end"));
    assert_eq!(request_count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_panic_reaches_its_caller_and_the_client_continues() {
    let injector = armed(Fault::Answer(Answer::Panic));
    let (client, request_count) = behind(&injector).await;
    let task = tokio::spawn(client.clone().oneshot(request()));
    assert!(within(task).await.unwrap_err().is_panic());
    injector.disarm();
    assert!(within(client.oneshot(request())).await.is_ok());
    assert_eq!(request_count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_caller_observes_each_body_fault() {
    let reset = "Failure(Transport), fault_injected";
    for (fault, expected) in [
        // The length is not compared with the head, because an inner layer has done that.
        (BodyFault::Truncate { after: 5 }, body("hello", "end")),
        (
            BodyFault::Corrupt { after: 11 },
            body("hello, worl\u{fffd}", "end"),
        ),
        (DRIP, body("hello, world", "end")),
        (BodyFault::Reset { after: 5 }, body("hello", reset)),
        (BodyFault::LoseTrailers, body("hello, world", "end")),
        (
            BodyFault::AlterTrailers { grpc_status: 13 },
            body("hello, world[trailers]", "end"),
        ),
        (
            BodyFault::WrongLength { excess: 3 },
            body("hello, world", "end").replace("=12", "=15"),
        ),
    ] {
        let (client, _) = behind(&armed(Fault::Body(fault))).await;
        let answer = within(client.oneshot(request())).await;
        assert_eq!(seen(answer).await, expected, "{fault:?}");
    }
}

#[tokio::test]
async fn a_caller_reads_the_rest_of_a_stalled_body_when_the_plan_ends() {
    let injector = armed(Fault::Body(STALL));
    let (client, _) = behind(&injector).await;
    let response = within(client.oneshot(request())).await.unwrap();
    let mut body = response.into_body();
    let frame = within(body.frame()).await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "hello");
    assert!(timeout(LOOK, body.frame()).await.is_err(), "nothing comes");
    injector.disarm();
    let rest = within(body.collect()).await.unwrap().to_bytes();
    assert_eq!(rest, ", world");
}

fn body(text: &str, end: &str) -> String {
    format!("200 x-buttress-fault=fault content-length=12 {text:?} {end}")
}

/// A client with the injector, and the number of requests to its server.
async fn behind(injector: &Injector) -> (ChaosService<Client, HttpCalls>, Arc<AtomicUsize>) {
    let request_count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&request_count);
    let greet = async move || {
        counted.fetch_add(1, Ordering::Relaxed);
        "hello, world"
    };
    let address = serve(Router::new().route("/", get(greet))).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let client = Client {
        client: HttpClient::from(client),
        address,
    };
    (ChaosLayer::client(injector).layer(client), request_count)
}

/// Sends requests to the one server.
#[derive(Clone)]
struct Client {
    client: HttpClient,
    address: std::net::SocketAddr,
}

impl tower::Service<Request<()>> for Client {
    type Response = http::Response<Body>;
    type Error = BoxError;
    type Future = <HttpClient as tower::Service<Request<Body>>>::Future;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), BoxError>> {
        self.client.poll_ready(cx)
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let request = Request::get(uri(self.address, "/")).body(Body::default());
        self.client.call(request.unwrap())
    }
}

fn request() -> Request<()> {
    Request::new(())
}
