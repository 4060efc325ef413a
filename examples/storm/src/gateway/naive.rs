use std::net::SocketAddr;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use buttress::prelude::BoxError;
use http::{StatusCode, Uri};
use reqwest::Client;

use super::{ATTEMPT_TIMEOUT, url};
use crate::net;

/// How often an attempt that failed is repeated, at once.
pub(crate) const RETRIES: u32 = 3;

/// Starts the naive gateway: a timeout, and three retries.
///
/// # Errors
///
/// When the system has no port or no resources left.
pub(crate) async fn start(upstream: SocketAddr) -> Result<SocketAddr, BoxError> {
    let client = net::client().timeout(ATTEMPT_TIMEOUT).build()?;
    let naive = Naive { client, upstream };
    Ok(net::serve(Router::new().fallback(forward).with_state(naive)).await?)
}

#[derive(Debug, Clone)]
struct Naive {
    client: Client,
    upstream: SocketAddr,
}

async fn forward(State(naive): State<Naive>, request: Request) -> Response {
    let mut response = naive.attempt(request.uri()).await;
    for _ in 0..RETRIES {
        if !response.status().is_server_error() {
            break;
        }
        response = naive.attempt(request.uri()).await;
    }
    response
}

impl Naive {
    async fn attempt(&self, uri: &Uri) -> Response {
        let exchange = async {
            let response = self.client.get(url(self.upstream, uri)).send().await?;
            Ok::<_, reqwest::Error>((response.status(), response.bytes().await?))
        };
        match exchange.await {
            Ok(answer) => answer.into_response(),
            Err(error) if error.is_timeout() => StatusCode::GATEWAY_TIMEOUT.into_response(),
            Err(_) => StatusCode::BAD_GATEWAY.into_response(),
        }
    }
}
