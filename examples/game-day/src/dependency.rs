use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use buttress::chaos::{ChaosLayer, Injector};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::Layer;

/// Serves `router` behind the injector, on loopback, on a port the system chooses, until the runtime ends.
///
/// Beneath hyper and not beneath axum, which would make a response of every error: here an error closes the connection,
/// a body that is too short tears it, and a panic takes it along, as they would in a process that dies.
///
/// # Errors
///
/// When no port can be had.
pub(crate) async fn serve(router: Router, injector: &Injector) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let service = ChaosLayer::http(injector).layer(router);
    tokio::spawn(async move {
        // Where no connection can be accepted any more, the figures say so.
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}
