//! The gateway that Buttress holds up.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::Request;
use buttress::prelude::*;
use http::header;
use tower::ServiceBuilder;

use super::{ATTEMPT_TIMEOUT, url};
use crate::net;

/// The breaker in front of the upstream. The storm is short, so its times are too: in production, the
/// defaults (open for 5 s and more) are the better part of valour.
#[must_use]
pub fn breaker() -> Breaker {
    let config = BreakerConfig::default()
        .window(Window::Time(Duration::from_secs(1)))
        .open_for(OpenTime::Exponential {
            initial: Duration::from_millis(500),
            max: Duration::from_millis(1_000),
            jitter: Ratio::percent(20),
        })
        .ramp(Duration::from_secs(1), Ratio::percent(5))
        .attempt_timeout(ATTEMPT_TIMEOUT);
    Breaker::new("orders", config)
}

/// Starts the gateway that Buttress holds up.
///
/// # Errors
///
/// When the system has no port or no resources left.
pub async fn start(upstream: SocketAddr, breaker: &Breaker) -> Result<SocketAddr, BoxError> {
    let client = net::client().timeout(ATTEMPT_TIMEOUT).build()?;
    let retry = Retry::new("orders", RetryConfig::default());
    let gateway = ServiceBuilder::new()
        // A refusal becomes a 503 with a problem document that says why, and when to come back.
        .layer(ProblemLayer::new())
        // A request ends in time for its caller to hear of it, and no attempt is begun that would not.
        .layer(DeadlineLayer::server(
            DeadlineConfig::default().timeout(TIMEOUT),
        ))
        // What fails is tried again, as long as successes pay for that.
        .layer(RetryLayer::http(&retry))
        // When attempts fail, the upstream is left alone until a few probes succeed.
        .layer(BreakerLayer::http(breaker))
        .map_request(move |request| passed_on(request, upstream))
        .service(HttpClient::from(client));
    Ok(net::serve(Router::new().fallback_service(gateway)).await?)
}

/// What a request may take in all, where its caller does not say: two attempts, and the wait between them.
const TIMEOUT: Duration = Duration::from_millis(900);

/// The same request, for the upstream.
fn passed_on(mut request: Request, upstream: SocketAddr) -> http::Request<reqwest::Body> {
    // Where that makes no URI, the client says so.
    if let Ok(uri) = url(upstream, request.uri()).parse() {
        *request.uri_mut() = uri;
    }
    request.headers_mut().remove(header::HOST);
    request.map(|body| {
        if body.is_end_stream() {
            reqwest::Body::default()
        } else {
            reqwest::Body::wrap_stream(body.into_data_stream())
        }
    })
}
