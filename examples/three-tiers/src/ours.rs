//! Three tiers with Buttress.

use std::time::Duration;

use axum::Router;
use buttress::deadline::{Client, DeadlineService};
use buttress::prelude::*;
use buttress::retry::{HttpRetry, RetryService};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::HealthServer;
use tower::ServiceBuilder;

use crate::below::{OverGrpc, OverHttp};
use crate::chain::{Chain, Leaf};
use crate::hops::Hops;
use crate::net;
use crate::tier::Tier;

/// Starts a chain: `a` calls `b` over HTTP, `b` calls `c` over gRPC, and `c` calls the leaf `d` over HTTP.
///
/// # Errors
///
/// If no port or no resources are available.
pub(crate) async fn start(work: Duration) -> Result<Chain, BoxError> {
    let hops = Hops::default();
    let leaf = Leaf::new(&hops);
    let d = net::serve(server(leaf.router())).await?;

    let c = tier(
        "c",
        work,
        &hops,
        OverHttp {
            service: client("d", net::client()),
            address: d,
        },
    );
    let (listener, address) = net::listen().await?;
    let grpc = Server::builder()
        .layer(RetryMark)
        .layer(ProblemLayer::default())
        .layer(DeadlineLayer::server(&deadline()))
        .add_service(HealthServer::new(c));
    tokio::spawn(grpc.serve_with_incoming(TcpListenerStream::new(listener)));
    let channel = Channel::from_shared(format!("http://{address}"))?.connect_lazy();

    let b = tier(
        "b",
        work,
        &hops,
        OverGrpc(HealthClient::new(client("c", channel))),
    );
    let b = net::serve(server(b.router())).await?;

    let a = tier(
        "a",
        work,
        &hops,
        OverHttp {
            service: client("b", net::client()),
            address: b,
        },
    );
    let top = net::serve(server(a.router())).await?;
    Ok(Chain { top, leaf, hops })
}

/// The layers of each HTTP server. The gRPC server has the same.
fn server(router: Router) -> Router {
    router.layer(
        ServiceBuilder::new()
            // Marks responses as not retryable if the attempts of a lower tier were exhausted or stopped.
            .layer(RetryMark)
            // Turns a rejection, or an error at the deadline, into a response.
            .layer(ProblemLayer::default())
            // Reads the caller's deadline, ends the call when it has passed, and sets it in the task.
            .layer(DeadlineLayer::server(&deadline())),
    )
}

/// The layers of each client, for HTTP and gRPC.
fn client<S>(name: &'static str, inner: S) -> DeadlineService<RetryService<S, HttpRetry>, Client> {
    // A call may have as many attempts as with the naive tiers. All retries together are limited to a tenth of recent
    // successes, and one per second.
    let budget = BudgetConfig::default().ratio(0.1).floor_per_second(1);
    let retry = Retry::new(name, RetryConfig::default().attempts(4).budget(budget));
    ServiceBuilder::new()
        // Takes the deadline from the task, and sends the remaining time to the next tier.
        .layer(DeadlineLayer::client(&Deadlines::default()))
        .layer(RetryLayer::client(&retry))
        .service(inner)
}

fn deadline() -> Deadlines {
    Deadlines::new(
        "tier",
        DeadlineConfig::default().timeout(Duration::from_secs(5)),
    )
}

fn tier<B>(name: &'static str, work: Duration, hops: &Hops, below: B) -> Tier<B> {
    Tier {
        name,
        work,
        hops: hops.clone(),
        below,
    }
}
