use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::get;
use http::StatusCode;

use crate::hops::Hops;

/// Three tiers and a leaf, running.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    /// The address of the first tier.
    pub(crate) top: SocketAddr,
    pub(crate) leaf: Leaf,
    pub(crate) hops: Hops,
}

/// The service at the end of the chain, which counts its calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leaf(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    calls: AtomicU64,
    fails: AtomicBool,
    hops: Hops,
}

impl Leaf {
    pub(crate) fn new(hops: &Hops) -> Self {
        Self(Arc::new(Inner {
            hops: hops.clone(),
            ..Inner::default()
        }))
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/", get(answer))
            .with_state(self.clone())
    }

    /// Makes it fail from now on.
    pub(crate) fn fail(&self) {
        self.0.fails.store(true, Ordering::Relaxed);
    }

    /// Returns the number of its calls.
    pub(crate) fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }
}

async fn answer(State(leaf): State<Leaf>, request: Request) -> StatusCode {
    leaf.0.calls.fetch_add(1, Ordering::Relaxed);
    leaf.0.hops.note("d", request.headers());
    if leaf.0.fails.load(Ordering::Relaxed) {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    }
}
