use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use buttress::chaos::{ChaosLayer, Injector};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::Layer;

/// Serves `router` with the injector, on loopback, on a port the system chooses, until the runtime ends.
///
/// Directly in hyper and not in axum, which would turn every error into a response: here an error closes the
/// connection, a body that is too short aborts it, and a panic drops it, as in a process that fails.
///
/// # Errors
///
/// If no port is available.
pub(crate) async fn serve(router: Router, injector: &Injector) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let service = ChaosLayer::server(injector).layer(router);
    tokio::spawn(async move {
        // If no connection can be accepted, the figures show it.
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}
