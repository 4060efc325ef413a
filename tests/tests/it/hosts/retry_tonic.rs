//! A tonic channel with a retry.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use buttress::Direct;
use buttress::http::Idempotent;
use buttress::prelude::*;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::ServiceBuilder;

use crate::hosts::retry_axum::retry;
use crate::hosts::support::{listen, within};

type Client = HealthClient<buttress::retry::RetryService<Channel, buttress::retry::HttpRetry>>;

/// A client after a success, which deposits enough for all retries, and the number of later calls at the server.
async fn client() -> (Client, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let address = serve(Scripted(Arc::clone(&calls))).await;
    let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
    let channel = within(endpoint.connect()).await.unwrap();
    let service = ServiceBuilder::new()
        .layer(RetryLayer::client(&retry()))
        .service(channel);
    let mut client = HealthClient::new(service);
    within(client.check(ask("fine"))).await.unwrap();
    calls.store(0, Ordering::Relaxed);
    (client, calls)
}

#[tokio::test]
async fn codes_and_pushback_decide() {
    let (mut client, calls) = client().await;
    for (service, code, attempts) in [
        ("unavailable", Code::Unavailable, 3),
        ("unavailable, do not come back", Code::Unavailable, 1),
        ("exhausted", Code::ResourceExhausted, 1),
        ("exhausted, come back", Code::ResourceExhausted, 3),
        ("internal", Code::Internal, 1),
        ("not found", Code::NotFound, 1),
    ] {
        let status = within(client.check(ask(service))).await.unwrap_err();
        assert_eq!(status.code(), code, "{service}");
        assert_eq!(calls.swap(0, Ordering::Relaxed), attempts, "{service}");
    }
}

/// R5: UNAVAILABLE does not mean that the server did not process the call, and gRPC has no idempotent methods.
#[tokio::test]
async fn a_call_without_a_mark_is_made_once() {
    let (mut client, calls) = client().await;
    for service in ["unavailable", "exhausted, come back"] {
        let mut request = ask(service);
        request.extensions_mut().clear();
        within(client.check(request)).await.unwrap_err();
        assert_eq!(calls.swap(0, Ordering::Relaxed), 1, "{service}");
    }
}

/// The channel reports that it could not connect. A call without a mark may then be retried.
#[tokio::test]
async fn a_call_without_a_connection_is_retried_without_a_mark() {
    let dead = listen().await.1;
    let endpoint = Channel::from_shared(format!("http://{dead}")).unwrap();
    let retry = Retry::new("test", RetryConfig::default());
    let service = ServiceBuilder::new()
        .layer(RetryLayer::client(&retry))
        .service(Direct::new(endpoint.connect_lazy()));
    let mut request = ask("fine");
    request.extensions_mut().clear();
    let status = within(HealthClient::new(service).check(request)).await;
    let status = status.unwrap_err();
    let stopped = RetryStopped::find(&status).unwrap();
    assert_ne!(stopped.reason(), StopReason::NotIdempotent);
    assert!(stopped.attempts() > 1);
}

/// Each attempt sends the message again, and the number of previous attempts.
#[tokio::test]
async fn a_call_that_succeeds_at_its_third_attempt_is_a_success() {
    let (mut client, calls) = client().await;
    within(client.check(ask("third"))).await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

/// After the head, the caller may have read a part of the stream.
#[tokio::test]
async fn a_stream_with_a_head_is_committed() {
    let (mut client, calls) = client().await;
    let mut stream = within(client.watch(ask("breaks off")))
        .await
        .unwrap()
        .into_inner();
    within(stream.next()).await.unwrap().unwrap();
    let status = within(stream.next()).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

async fn serve(scripted: Scripted) -> SocketAddr {
    let (listener, address) = listen().await;
    let server = Server::builder().add_service(HealthServer::new(scripted));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    address
}

/// A request that may be repeated.
fn ask(service: &str) -> Request<HealthCheckRequest> {
    let mut request = Request::new(HealthCheckRequest {
        service: service.to_owned(),
    });
    request.extensions_mut().insert(Idempotent(true));
    request
}

/// The name of the requested service determines the response.
struct Scripted(Arc<AtomicUsize>);

type Watch = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

#[tonic::async_trait]
impl Health for Scripted {
    type WatchStream = Watch;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let before = request.metadata().get("grpc-previous-rpc-attempts");
        let before = before.map(|before| before.to_str().unwrap().to_owned());
        let (status, pushback) = match &*request.into_inner().service {
            "unavailable" => (Status::unavailable("scripted"), None),
            "unavailable, do not come back" => (Status::unavailable("scripted"), Some("-1")),
            "exhausted" => (Status::resource_exhausted("scripted"), None),
            "exhausted, come back" => (Status::resource_exhausted("scripted"), Some("1")),
            "internal" => (Status::internal("scripted"), None),
            "not found" => (Status::not_found("scripted"), None),
            "third" if before.as_deref() != Some("2") => (Status::unavailable("scripted"), None),
            _ => return Ok(Response::new(HealthCheckResponse::default())),
        };
        let mut status = status;
        if let Some(pushback) = pushback {
            let pushback = pushback.parse().unwrap();
            status
                .metadata_mut()
                .insert("grpc-retry-pushback-ms", pushback);
        }
        Err(status)
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Watch>, Status> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let frames = [
            Ok(HealthCheckResponse::default()),
            Err(Status::unavailable("scripted")),
        ];
        Ok(Response::new(Box::pin(tokio_stream::iter(frames))))
    }
}
