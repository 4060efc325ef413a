//! tonic on both ends: the codes that a client gets from a server with injected faults.

use std::net::SocketAddr;

use buttress::chaos::{Answer, BodyFault};
use buttress::prelude::*;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::Code;
use tonic::transport::Server;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::HealthServer;
use tower::ServiceBuilder;

use super::{DRIP, armed, delay, grpc_status, held};
use crate::hosts::support::{listen, within};
use crate::hosts::tonic_ends::{Scripted, ask, connect};

/// A unary call: its code, or `Ok`.
async fn unary(address: SocketAddr) -> Code {
    let mut client = HealthClient::new(connect(address).await);
    match within(client.check(ask("ok"))).await {
        Ok(_) => Code::Ok,
        Err(status) => status.code(),
    }
}

/// A server stream: the number of messages, and the code at its end.
async fn stream(address: SocketAddr) -> (usize, Code) {
    let mut client = HealthClient::new(connect(address).await);
    let mut stream = match within(client.watch(ask("ok"))).await {
        Ok(response) => response.into_inner(),
        Err(status) => return (0, status.code()),
    };
    let mut messages = 0;
    loop {
        match within(stream.next()).await {
            None => return (messages, Code::Ok),
            Some(Ok(_)) => messages += 1,
            Some(Err(status)) => return (messages, status.code()),
        }
    }
}

#[tokio::test]
async fn a_client_gets_a_code_for_each_injected_response() {
    for (answer, code) in [
        (Answer::Error, Code::Unavailable),
        (Answer::Abort, Code::Unavailable),
        (grpc_status(), Code::ResourceExhausted),
        // A response that is not gRPC is read by its HTTP status.
        (Answer::Status(503), Code::Unavailable),
        (Answer::Status(404), Code::Unimplemented),
    ] {
        let injector = armed(Fault::Answer(answer.clone()));
        let address = serve(&injector, true).await;
        assert_eq!(unary(address).await, code, "{answer:?}");
        assert_eq!(stream(address).await, (0, code), "{answer:?}");
    }
}

/// Without an outer problem layer, an error ends the HTTP/2 stream, as in a server that fails in the middle of a
/// call; the connection and its other calls continue.
#[tokio::test]
async fn a_client_gets_a_broken_stream_without_a_problem_layer() {
    for answer in [Answer::Error, Answer::Abort] {
        let injector = armed(Fault::Answer(answer.clone()));
        let address = serve(&injector, false).await;
        let mut client = HealthClient::new(connect(address).await);
        let status = within(client.check(ask("ok"))).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal, "{answer:?}: {status:?}");
        injector.disarm();
        assert!(within(client.check(ask("ok"))).await.is_ok());
    }
}

#[tokio::test]
async fn a_client_waits_for_a_hung_or_delayed_call_until_the_plan_ends() {
    let injector = armed(Fault::Answer(Answer::Hang));
    let address = serve(&injector, true).await;
    assert_eq!(held(&injector, unary(address)).await, Code::Unavailable);

    let injector = armed(delay());
    let address = serve(&injector, true).await;
    assert_eq!(held(&injector, unary(address)).await, Code::Ok);
}

#[tokio::test]
async fn a_panic_ends_only_its_connection() {
    let injector = armed(Fault::Answer(Answer::Panic));
    let address = serve(&injector, true).await;
    assert_ne!(unary(address).await, Code::Ok);
    injector.disarm();
    assert_eq!(unary(address).await, Code::Ok);
}

#[tokio::test]
async fn a_client_gets_a_code_for_each_body_fault() {
    for (fault, in_unary, in_stream) in [
        // It ends in the middle of a message.
        (
            BodyFault::Truncate { after: 3 },
            Code::Internal,
            (0, Code::Internal),
        ),
        // The flag for whether a message is compressed.
        (
            BodyFault::Corrupt { after: 0 },
            Code::Internal,
            (0, Code::Internal),
        ),
        (
            BodyFault::Reset { after: 3 },
            Code::Internal,
            (0, Code::Internal),
        ),
        (DRIP, Code::Ok, (1, Code::Ok)),
        (BodyFault::LoseTrailers, Code::Ok, (1, Code::Ok)),
        (
            BodyFault::AlterTrailers { grpc_status: 15 },
            Code::DataLoss,
            (1, Code::DataLoss),
        ),
        // gRPC sends no length.
        (
            BodyFault::WrongLength { excess: 3 },
            Code::Ok,
            (1, Code::Ok),
        ),
    ] {
        let injector = armed(Fault::Body(fault));
        let address = serve(&injector, true).await;
        assert_eq!(unary(address).await, in_unary, "{fault:?}");
        assert_eq!(stream(address).await, in_stream, "{fault:?}");
    }
}

#[tokio::test]
async fn a_client_gets_the_rest_of_a_stalled_message_when_the_plan_ends() {
    let stall = BodyFault::Stall {
        after: 3,
        lasting: super::FOR_EVER,
    };
    let injector = armed(Fault::Body(stall));
    let address = serve(&injector, true).await;
    assert_eq!(held(&injector, unary(address)).await, Code::Ok);
}

/// A tonic server with the injector, and with a problem layer if errors should become responses.
async fn serve(injector: &Injector, problems: bool) -> SocketAddr {
    let (listener, address) = listen().await;
    let incoming = TcpListenerStream::new(listener);
    let service = HealthServer::new(Scripted);
    if problems {
        let layers = ServiceBuilder::new()
            .layer(ProblemLayer::default())
            .layer(ChaosLayer::client(injector));
        let server = Server::builder().layer(layers).add_service(service);
        tokio::spawn(server.serve_with_incoming(incoming));
    } else {
        let server = Server::builder()
            .layer(ChaosLayer::client(injector))
            .add_service(service);
        tokio::spawn(server.serve_with_incoming(incoming));
    }
    address
}
