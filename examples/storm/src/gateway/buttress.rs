//! The gateway that Buttress holds up.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::Request;
use buttress::prelude::*;
use clap::ValueEnum;
use http::header;
use serde::Serialize;
use tower::ServiceBuilder;

use super::{ATTEMPT_TIMEOUT, url};
use crate::net;

/// What holds the gateway up, to be looked at while it does.
#[derive(Debug, Clone)]
pub struct Handles {
    /// Admits requests to the gateway, up to an adaptive limit.
    pub shedder: Shedder,
    /// Whether the upstream is called at all.
    pub breaker: Breaker,
    /// How many attempts the upstream bears at once at the very most, whatever was found out.
    pub bulkhead: Bulkhead,
}

/// One of them, by the name it has on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// The breaker.
    Breaker,
    /// The bulkhead.
    Bulkhead,
    /// The shedder.
    Shedder,
}

impl Default for Handles {
    fn default() -> Self {
        Self::without(&[])
    }
}

impl Handles {
    /// All but these, which are there and let everything through: so one sees what each is for.
    #[must_use]
    pub fn without(left_out: &[Support]) -> Self {
        let mode = |support| {
            if left_out.contains(&support) {
                Mode::Off
            } else {
                Mode::Enforce
            }
        };
        // All limits are adaptive: there is no number here that would have to be known.
        let shed = ShedConfig::default().mode(mode(Support::Shedder));
        let bulkhead = BulkheadConfig::default().mode(mode(Support::Bulkhead));
        Self {
            shedder: Shedder::new("gateway", shed),
            breaker: Breaker::new("orders", circuit().mode(mode(Support::Breaker))),
            bulkhead: Bulkhead::new("orders", bulkhead),
        }
    }
}

/// The storm is short, so the breaker's times are too: in production, the defaults are better.
fn circuit() -> BreakerConfig {
    BreakerConfig::default()
        .window(Window::Time(Duration::from_secs(1)))
        .open_for(OpenDuration::Proportional {
            initial: Duration::from_millis(500),
            share: Ratio::ONE,
            max: Duration::from_millis(1_000),
            jitter: Ratio::percent(20),
        })
        .ramp(Duration::from_secs(1), Ratio::percent(5))
        .attempt_timeout(ATTEMPT_TIMEOUT)
}

/// Starts the gateway that Buttress holds up.
///
/// # Errors
///
/// When the system has no port or no resources left.
pub async fn start(upstream: SocketAddr, handles: &Handles) -> Result<SocketAddr, BoxError> {
    let client = net::client().timeout(ATTEMPT_TIMEOUT).build()?;
    let retry = Retry::new("orders", RetryConfig::default());
    let deadline = Deadlines::new("gateway", DeadlineConfig::default().timeout(TIMEOUT));
    let gateway = ServiceBuilder::new()
        // A rejection becomes a 503 with a problem document that has the reason and a `Retry-After`.
        .layer(ProblemLayer::default())
        // A request ends in time for its caller to hear of it, and no attempt is begun that would not.
        .layer(DeadlineLayer::server(&deadline))
        // A request beyond the capacity waits for an eighth of a second, and is then rejected.
        .layer(ShedLayer::server(&handles.shedder))
        // What fails is tried again, as long as successes pay for that.
        .layer(RetryLayer::client(&retry))
        // When attempts fail, the upstream is left alone until a few probes succeed.
        .layer(BreakerLayer::client(&handles.breaker))
        // However many requests are admitted and retried, no more attempts than this are in flight.
        .layer(BulkheadLayer::client(&handles.bulkhead))
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
