//! Sockets on loopback.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

/// Binds a port that the system chooses.
pub(crate) async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves `router` until the runtime ends.
pub(crate) async fn serve(router: Router) -> io::Result<SocketAddr> {
    let (listener, address) = listen().await?;
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(address)
}

/// Returns hyper's client, which is an HTTP service itself.
pub(crate) fn client() -> Client<HttpConnector, Body> {
    Client::builder(TokioExecutor::new()).build_http()
}
