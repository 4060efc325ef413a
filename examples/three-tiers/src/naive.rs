//! Three naive tiers: each of them retries failed calls.

use std::time::Duration;

use buttress::prelude::BoxError;
use http::StatusCode;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::HealthServer;

use crate::below::{Below, OverGrpc, OverHttp};
use crate::chain::{Chain, Leaf};
use crate::hops::Hops;
use crate::net;
use crate::tier::Tier;

/// The number of immediate retries of a failed call.
const RETRIES: u32 = 3;

/// Starts a chain of the same tiers over the same protocols.
///
/// # Errors
///
/// If no port or no resources are available.
pub(crate) async fn start() -> Result<Chain, BoxError> {
    let hops = Hops::default();
    let leaf = Leaf::new(&hops);
    let d = net::serve(leaf.router()).await?;

    let c = tier(
        "c",
        &hops,
        OverHttp {
            service: net::client(),
            address: d,
        },
    );
    let (listener, address) = net::listen().await?;
    let grpc = Server::builder().add_service(HealthServer::new(c));
    tokio::spawn(grpc.serve_with_incoming(TcpListenerStream::new(listener)));
    let channel = Channel::from_shared(format!("http://{address}"))?.connect_lazy();

    let b = tier("b", &hops, OverGrpc(HealthClient::new(channel)));
    let b = net::serve(b.router()).await?;

    let a = tier(
        "a",
        &hops,
        OverHttp {
            service: net::client(),
            address: b,
        },
    );
    let top = net::serve(a.router()).await?;
    Ok(Chain { top, leaf, hops })
}

/// Retries failed calls.
#[derive(Debug, Clone)]
struct Repeated<B>(B);

impl<B: Below> Below for Repeated<B> {
    async fn call(&self) -> StatusCode {
        let mut status = self.0.call().await;
        for _ in 0..RETRIES {
            if !status.is_server_error() {
                break;
            }
            status = self.0.call().await;
        }
        status
    }
}

fn tier<B>(name: &'static str, hops: &Hops, below: B) -> Tier<Repeated<B>> {
    Tier {
        name,
        work: Duration::ZERO,
        hops: hops.clone(),
        below: Repeated(below),
    }
}
