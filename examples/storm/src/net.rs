//! Sockets on loopback.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use reqwest::{Client, ClientBuilder};
use tokio::net::TcpListener;

/// Serves `router` on loopback, on a port the system chooses, until the runtime ends.
///
/// # Errors
///
/// When no port can be had.
pub async fn serve(router: Router) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, router).into_future());
    Ok(address)
}

/// A client to be, that talks to loopback whatever proxy the environment names, and opens as many
/// connections as it needs.
pub fn client() -> ClientBuilder {
    Client::builder().no_proxy()
}

/// Raises the limit of open files to what a storm at `rate` may need, since all ends of all connections
/// are in this process.
///
/// # Errors
///
/// A message that says what is missing, where the system allows less.
pub fn allow_connections(rate: u64) -> Result<(), String> {
    // In the worst second of the naive gateway each request holds two connections, of two ends each.
    let needed = 8 * rate + 200;
    let allowed = rlimit::increase_nofile_limit(needed).unwrap_or(needed);
    if allowed < needed {
        return Err(format!(
            "rate is {rate}, but this system allows {allowed} open files and the storm may need {needed}: \
             raise the limit (ulimit -n) or lower the rate"
        ));
    }
    Ok(())
}
