//! tonic on both ends. tonic itself responds with `CANCELLED`, and stops at the head of a stream.

use std::future::pending;
use std::net::SocketAddr;
use std::pin::Pin;

use axum::body::Body;
use buttress::prelude::*;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::ServiceBuilder;

use crate::deadline::support::{SOON, listen, uri, within};

/// Called with plain HTTP/2, because a tonic client also reads the header and times out itself.
async fn ask(method: &str, timeout: &str) -> (HeaderMap, Option<HeaderMap>) {
    let address = serve(Some(DeadlineConfig::default())).await;
    let client: Client<_, Body> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let request = http::Request::post(uri(address, &format!("/grpc.health.v1.Health/{method}")))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", timeout)
        .body(Body::from([0; 5].to_vec()))
        .unwrap();
    let response = within(client.request(request)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let headers = response.headers().clone();
    let body = within(response.into_body().collect()).await.unwrap();
    (headers, body.trailers().cloned())
}

#[tokio::test]
async fn a_late_call_ends_with_deadline_exceeded() {
    for _ in 0..5 {
        let (headers, _) = ask("Check", "60m").await;
        assert_eq!(headers["grpc-status"], "4");
    }
}

#[tokio::test]
async fn an_expired_call_ends_with_deadline_exceeded() {
    let (headers, _) = ask("Check", "0n").await;
    assert_eq!(headers["grpc-status"], "4");
}

#[tokio::test]
async fn a_late_stream_ends_with_deadline_exceeded() {
    let (headers, trailers) = ask("Watch", "60m").await;
    assert!(!headers.contains_key("grpc-status"));
    assert_eq!(trailers.unwrap()["grpc-status"], "4");
}

#[tokio::test]
async fn a_tonic_client_reads_the_status_of_our_server() {
    let address = serve(Some(DeadlineConfig::default().timeout(SOON))).await;
    let mut client = HealthClient::new(connect(address).await);
    let status = within(client.check(health())).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);

    let mut stream = within(client.watch(health())).await.unwrap().into_inner();
    within(stream.next()).await.unwrap().unwrap();
    let status = within(stream.next()).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn our_client_ends_the_stream_of_a_channel() {
    let channel = connect(serve(None).await).await;
    let config = ClientDeadlineConfig::default().timeout(SOON);
    let service = ServiceBuilder::new()
        .layer(DeadlineLayer::client(&Deadlines::new("test", config)))
        .service(channel);
    let mut client = HealthClient::new(service);
    let mut stream = within(client.watch(health())).await.unwrap().into_inner();
    within(stream.next()).await.unwrap().unwrap();
    let status = within(stream.next()).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

/// The channel times out by the header that this layer writes, a margin before it. Its error passes unchanged, and a
/// problem layer maps it to its code.
#[tokio::test]
async fn a_problem_layer_maps_a_channels_timeout_to_deadline_exceeded() {
    let channel = connect(serve(None).await).await;
    let config = ClientDeadlineConfig::default().timeout(SOON);
    let problems = ProblemConfig::default()
        .on(|_: &tonic::TimeoutExpired| Problem::from(StatusCode::GATEWAY_TIMEOUT));
    let service = ServiceBuilder::new()
        .layer(ProblemLayer::new(&Problems::new(problems)))
        .layer(DeadlineLayer::client(&Deadlines::new("test", config)))
        .service(channel);
    let mut client = HealthClient::new(service);
    let status = within(client.check(health())).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

/// A server of the health service below, with deadlines if there is a configuration.
async fn serve(config: Option<DeadlineConfig>) -> SocketAddr {
    let (listener, address) = listen().await;
    let incoming = TcpListenerStream::new(listener);
    let service = HealthServer::new(Late);
    match config {
        Some(config) => {
            let server = Server::builder()
                .layer(ProblemLayer::default())
                .layer(DeadlineLayer::server(&Deadlines::new("test", config)))
                .add_service(service);
            tokio::spawn(server.serve_with_incoming(incoming));
        }
        None => {
            let server = Server::builder().add_service(service);
            tokio::spawn(server.serve_with_incoming(incoming));
        }
    }
    address
}

async fn connect(address: SocketAddr) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
    within(endpoint.connect()).await.unwrap()
}

fn health() -> Request<HealthCheckRequest> {
    Request::new(HealthCheckRequest::default())
}

/// Never responds, and never ends a stream.
struct Late;

type Watch = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

#[tonic::async_trait]
impl Health for Late {
    type WatchStream = Watch;

    async fn check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        pending().await
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Watch>, Status> {
        let first = tokio_stream::once(Ok(HealthCheckResponse::default()));
        Ok(Response::new(Box::pin(
            first.chain(tokio_stream::pending()),
        )))
    }
}
