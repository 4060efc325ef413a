//! Clients: hyper-util's, and reqwest's through `HttpClient`.

use std::future::pending;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use buttress::prelude::*;
use buttress_core::{Criticality, TaskContext};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::deadline::support::{self, SOON, client, endless, reason, serve, uri, within};

/// Responds with the received headers, at once, late, or never.
async fn upstream() -> std::net::SocketAddr {
    let received = async |headers: HeaderMap| {
        let received = headers.get("x-envoy-expected-rq-timeout-ms");
        let received = received.map(|received| received.to_str().unwrap());
        received.unwrap_or("nothing").to_owned()
    };
    let app = Router::new()
        .route("/", get(received))
        .route("/late", get(pending::<()>))
        .route("/endless", get(async || Response::new(endless())));
    serve(app).await
}

/// The three possible results of a call, for any client.
async fn keeps_deadlines<S, B, Res>(client: S, request: impl Fn(&str) -> Request<B>)
where
    S: Service<Request<B>, Response = Response<Res>> + Clone,
    S::Error: Into<BoxError>,
    Res: http_body::Body + Send + 'static,
    Res::Error: Into<BoxError>,
{
    let patient = ServiceBuilder::new()
        .layer(DeadlineLayer::client(&Deadlines::new(
            "test",
            ClientDeadlineConfig::default().timeout(std::time::Duration::from_secs(20)),
        )))
        .service(client.clone());
    let response = within(patient.oneshot(request("/"))).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "19995");

    let config = ClientDeadlineConfig::default().timeout(SOON);
    let hasty = ServiceBuilder::new()
        .layer(DeadlineLayer::client(&Deadlines::new("test", config)))
        .service(client);
    let Err(error) = within(hasty.clone().oneshot(request("/late"))).await else {
        panic!("no response");
    };
    assert_eq!(reason(&*error), Some(Reason::DeadlineExceeded));

    let response = within(hasty.oneshot(request("/endless"))).await.unwrap();
    let Err(error) = within(response.into_body().collect()).await else {
        panic!("the request never ends");
    };
    assert_eq!(reason(&*error), Some(Reason::DeadlineExceeded));
}

#[tokio::test]
async fn the_client_of_hyper_util_keeps_deadlines() {
    let address = upstream().await;
    keeps_deadlines(client(), |path| support::get(address, path)).await;
}

#[tokio::test]
async fn reqwest_keeps_deadlines() {
    let address = upstream().await;
    let client = HttpClient::from(reqwest::Client::new());
    keeps_deadlines(client, |path| {
        let request = Request::get(uri(address, path));
        request.body(reqwest::Body::default()).unwrap()
    })
    .await;
}

/// For a call that cannot end in time, no connection is opened.
#[tokio::test]
async fn a_call_that_cannot_end_in_time_is_not_sent() {
    let service = ServiceBuilder::new()
        .layer(DeadlineLayer::client(&Deadlines::default()))
        .service(service_fn(
            async |_: Request<Body>| -> Result<Response<Body>, BoxError> { panic!("sent") },
        ));
    let mut request = Request::new(Body::empty());
    let now = tokio::time::Instant::now().into_std();
    request.extensions_mut().insert(Deadline::at(now));
    let error = within(service.oneshot(request)).await.unwrap_err();
    assert_eq!(reason(&*error), Some(Reason::DeadlineExpired));
}

/// The future of a call inside a `Buffer` is created in the buffer's task, without the caller's context.
#[tokio::test(start_paused = true)]
async fn the_task_context_is_passed_through_a_buffer() {
    let second = std::time::Duration::from_secs(1);
    let received = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&received);
    let config = BulkheadConfig::default().limit(1).queue(5).max_wait(None);
    let bulkhead = Bulkhead::new("pool", config);
    let hangs = move |request: Request<Body>| {
        *seen.lock().unwrap() = request.extensions().get::<Criticality>().copied();
        pending::<Result<Response<Body>, std::convert::Infallible>>()
    };
    let pool = BulkheadLayer::server(&bulkhead).layer(service_fn(hangs));
    let pool = tower::buffer::Buffer::new(pool, 16);
    let held = tokio::spawn(pool.clone().oneshot(Request::new(Body::empty())));
    tokio::time::sleep(second).await;

    let config = ClientDeadlineConfig::default().timeout(second);
    let client = DeadlineLayer::client(&Deadlines::new("test", config)).layer(pool);
    let error = client.clone().oneshot(Request::new(Body::empty())).await;
    let error = error.err().unwrap();
    let rejection = Rejection::find(&*error).unwrap();
    // The rejection is that of the queue, and not of the layer outside it.
    assert_eq!(
        (rejection.reason(), rejection.layer()),
        (Reason::DeadlineTooShort, "pool")
    );

    held.abort();
    let mut context = TaskContext::default().with_criticality(Some(Criticality::Low));
    let mut client = client;
    client.ready().await.unwrap();
    let call = context.enter(|| client.call(Request::new(Body::empty())));
    assert!(call.await.is_err());
    assert_eq!(*received.lock().unwrap(), Some(Criticality::Low));
}
