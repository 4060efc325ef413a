//! tonic on both ends. Its outcome is in trailers, and a rejection must be a status.

use std::net::SocketAddr;
use std::pin::Pin;

use buttress::prelude::*;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::ServiceBuilder;

use crate::hosts::support::{counted, counting, listen, tripping_at, within};

/// Defect G01 of tower-resilience: the client of an open breaker gets `Internal`, "h2 protocol error".
#[tokio::test]
async fn a_rejection_of_a_tonic_server_is_a_status() {
    let breaker = tripping_at(1);
    breaker.trip();
    let mut client = HealthClient::new(connect(serve(Some(&breaker)).await).await);
    for _ in 0..2 {
        let status = within(client.check(ask("ok"))).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap();
        assert!(pushback.to_str().unwrap().parse::<u64>().unwrap() > 0);
        assert!(!status.details().is_empty());
    }
}

/// Defect G02: `UNAVAILABLE` never opens it, because gRPC sends it with HTTP status 200. Here it is in the head.
#[tokio::test]
async fn failed_unary_calls_open_the_circuit_of_a_tonic_server() {
    let breaker = tripping_at(3);
    let mut client = HealthClient::new(connect(serve(Some(&breaker)).await).await);
    for _ in 0..3 {
        let status = within(client.check(ask("down"))).await.unwrap_err();
        assert_eq!(status.message(), "scripted");
    }
    assert_eq!(breaker.state(), CircuitState::Open);
    let status = within(client.check(ask("ok"))).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}

/// Here it is in the trailers, at the end of a stream that started well.
#[tokio::test]
async fn a_stream_that_fails_at_its_end_is_a_failure_for_server_and_client() {
    let (at_server, at_client) = (counting(), counting());
    let channel = connect(serve(Some(&at_server)).await).await;
    let mut client = HealthClient::new(behind(&at_client, channel));
    for (service, failures) in [("ok", 0), ("down", 1)] {
        let mut stream = within(client.watch(ask(service)))
            .await
            .unwrap()
            .into_inner();
        within(stream.next()).await.unwrap().unwrap();
        match within(stream.next()).await {
            None => assert_eq!(service, "ok"),
            Some(end) => assert_eq!(end.unwrap_err().code(), Code::Unavailable),
        }
        drop(stream);
        assert_eq!(counted(&at_client).1, failures, "{service}");
        crate::hosts::support::until(|| counted(&at_server).1 == failures).await;
    }
    assert_eq!(counted(&at_client), (2, 1));
    assert_eq!(counted(&at_server), (2, 1));
}

/// A mistake of the caller is not a failure of the dependency.
#[tokio::test]
async fn a_mistake_of_the_caller_is_a_success() {
    let breaker = counting();
    let channel = connect(serve(None).await).await;
    let mut client = HealthClient::new(behind(&breaker, channel));
    let status = within(client.check(ask("unknown"))).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(counted(&breaker), (1, 0));
}

/// A tonic client with a breaker: the rejection is among the sources of the status it returns.
#[tokio::test]
async fn a_rejection_of_a_tonic_client_is_found_in_its_status() {
    let breaker = tripping_at(2);
    let channel = connect(serve(None).await).await;
    let mut client = HealthClient::new(behind(&breaker, channel));
    for _ in 0..2 {
        let status = within(client.check(ask("down"))).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
    }
    let status = within(client.check(ask("ok"))).await.unwrap_err();
    let rejection = Rejection::find(&status).unwrap();
    assert_eq!(rejection.reason(), Reason::CircuitOpen);
}

/// With an outer problem layer, the client gets the status that a server would have sent.
#[tokio::test]
async fn a_rejection_of_a_tonic_client_can_be_a_status_of_its_own() {
    let breaker = tripping_at(1);
    breaker.trip();
    let channel = connect(serve(None).await).await;
    let service = ServiceBuilder::new()
        .layer(ProblemLayer::default())
        .service(behind(&breaker, channel));
    let mut client = HealthClient::new(service);
    let status = within(client.check(ask("ok"))).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.metadata().get("grpc-retry-pushback-ms").is_some());
}

/// A server of the health service below, with `breaker` if there is one.
async fn serve(breaker: Option<&Breaker>) -> SocketAddr {
    let (listener, address) = listen().await;
    let incoming = TcpListenerStream::new(listener);
    let service = HealthServer::new(Scripted);
    match breaker {
        Some(breaker) => {
            let server = Server::builder()
                .layer(ProblemLayer::default())
                .layer(BreakerLayer::client(breaker))
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

pub(crate) async fn connect(address: SocketAddr) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
    within(endpoint.connect()).await.unwrap()
}

fn behind<S>(
    breaker: &Breaker,
    inner: S,
) -> buttress::breaker::BreakerService<S, buttress::http::Http> {
    ServiceBuilder::new()
        .layer(BreakerLayer::client(breaker))
        .service(inner)
}

pub(crate) fn ask(service: &str) -> Request<HealthCheckRequest> {
    Request::new(HealthCheckRequest {
        service: service.to_owned(),
    })
}

/// The name of the requested service determines the response.
pub(crate) struct Scripted;

type Watch = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

#[tonic::async_trait]
impl Health for Scripted {
    type WatchStream = Watch;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match request.get_ref().service.as_str() {
            "ok" => Ok(Response::new(HealthCheckResponse::default())),
            "down" => Err(Status::unavailable("scripted")),
            _ => Err(Status::not_found("scripted")),
        }
    }

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Watch>, Status> {
        let mut messages = vec![Ok(HealthCheckResponse::default())];
        if request.get_ref().service == "down" {
            messages.push(Err(Status::unavailable("scripted")));
        }
        Ok(Response::new(Box::pin(tokio_stream::iter(messages))))
    }
}
