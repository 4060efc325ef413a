use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use buttress::BoxError;
use tokio::net::TcpListener;

/// Simulates a service that fails.
pub(crate) struct Payments {
    url: String,
    /// This many calls fail, or hang if it is [`HANGS`].
    trouble: Arc<AtomicU32>,
}

const HANGS: u32 = u32::MAX;

impl Payments {
    pub(crate) async fn start() -> Result<Self, BoxError> {
        let trouble = Arc::new(AtomicU32::new(0));
        let app = Router::new()
            .route("/", get(charge))
            .with_state(Arc::clone(&trouble));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        tokio::spawn(axum::serve(listener, app).into_future());
        Ok(Self { url, trouble })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn fail(&self, calls: u32) {
        self.trouble.store(calls, Ordering::Relaxed);
    }

    pub(crate) fn hang(&self) {
        self.fail(HANGS);
    }

    pub(crate) fn recover(&self) {
        self.fail(0);
    }
}

async fn charge(State(trouble): State<Arc<AtomicU32>>) -> (StatusCode, &'static str) {
    let left = trouble.load(Ordering::Relaxed);
    if left == HANGS {
        std::future::pending::<()>().await;
    }
    if left == 0 {
        return (StatusCode::OK, "charged");
    }
    trouble.fetch_sub(1, Ordering::Relaxed);
    (StatusCode::SERVICE_UNAVAILABLE, "try later")
}
