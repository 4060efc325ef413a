//! The upstream: a payment provider that can be made to fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use buttress::BoxError;
use http::StatusCode;
use http::header::RETRY_AFTER;
use tokio::net::TcpListener;

/// A server on loopback.
pub(crate) struct Upstream {
    url: String,
    provider: Arc<Provider>,
}

#[derive(Default)]
struct Provider {
    is_failing: AtomicBool,
    is_stalled: AtomicBool,
    requests: AtomicUsize,
}

impl Upstream {
    /// Serves on a port that the system chooses.
    pub(crate) async fn start() -> Result<Self, BoxError> {
        let provider = Arc::<Provider>::default();
        let app = Router::new()
            .route("/charge", post(charge))
            .with_state(Arc::clone(&provider));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/charge", listener.local_addr()?);
        tokio::spawn(axum::serve(listener, app).into_future());
        Ok(Self { url, provider })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the number of requests that have arrived.
    pub(crate) fn requests(&self) -> usize {
        self.provider.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn fail(&self) {
        self.provider.is_failing.store(true, Ordering::Relaxed);
    }

    /// Stops responding from now on.
    pub(crate) fn stall(&self) {
        self.provider.is_stalled.store(true, Ordering::Relaxed);
    }

    pub(crate) fn recover(&self) {
        self.provider.is_failing.store(false, Ordering::Relaxed);
    }
}

async fn charge(State(provider): State<Arc<Provider>>) -> Response {
    provider.requests.fetch_add(1, Ordering::Relaxed);
    if provider.is_stalled.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
    if provider.is_failing.load(Ordering::Relaxed) {
        let leave_alone = [(RETRY_AFTER, "2")];
        (StatusCode::SERVICE_UNAVAILABLE, leave_alone, "try later").into_response()
    } else {
        "charged".into_response()
    }
}
