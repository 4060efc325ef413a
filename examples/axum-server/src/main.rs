//! An axum server that stays available during a burst of requests and an outage of its database. See README.md.

mod rush;
mod visitor;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use buttress::prelude::*;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let serves = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--serve") => true,
        Some(other) => {
            return Err(format!("unknown option {other}; the only option is --serve").into());
        }
    };
    let breaker = Breaker::new(
        "orders",
        BreakerConfig::default()
            .consecutive_failures(3)
            .open_for(OpenDuration::Fixed(Duration::from_secs(2))),
    );
    let shedder = Shedder::new("api", ShedConfig::default());
    let address = start(app(&shedder, &breaker)).await?;

    if serves {
        println!("Serving at http://{address}, until Ctrl-C.");
        tokio::signal::ctrl_c().await?;
        return Ok(());
    }
    visitor::call(address, &shedder, &breaker).await
}

/// The service: a route that needs the database, inside all layers, and three routes that break the database.
fn app(shedder: &Shedder, breaker: &Breaker) -> Router {
    let deadline = DeadlineConfig::default().timeout(Duration::from_secs(2));
    let deadline = Deadlines::new("api", deadline);
    let bulkhead = BulkheadConfig::default()
        .limit(64)
        .queue(128)
        .max_wait(Duration::from_millis(50));
    let bulkhead = Bulkhead::new("api", bulkhead);
    Router::new()
        .route("/orders/{id}", get(order))
        // Around the routes above, outermost first: the problem layer turns rejections of the other layers into
        // responses; the deadline layer ends calls at the deadline of their caller; the shedder measures the capacity
        // of the handler; the breaker reads the handler's responses, and a call that it rejects takes no slot of the
        // bulkhead, which limits the concurrent calls.
        .layer(
            ServiceBuilder::new()
                .layer(ProblemLayer::default())
                .layer(DeadlineLayer::server(&deadline))
                .layer(ShedLayer::server(shedder))
                .layer(BreakerLayer::client(breaker))
                .layer(BulkheadLayer::server(&bulkhead)),
        )
        .route("/database/break", post(break_database))
        .route("/database/stall", post(stall_database))
        .route("/database/mend", post(mend_database))
        .with_state(Database::default())
}

async fn order(State(database): State<Database>, Path(id): Path<u32>) -> (StatusCode, String) {
    match database.find(id).await {
        Some(order) => (StatusCode::OK, order),
        None => (StatusCode::BAD_GATEWAY, "the database is down".to_owned()),
    }
}

async fn break_database(State(database): State<Database>) {
    database.is_down.store(true, Ordering::Relaxed);
}

async fn stall_database(State(database): State<Database>) {
    database.is_stalled.store(true, Ordering::Relaxed);
}

async fn mend_database(State(database): State<Database>) {
    database.is_down.store(false, Ordering::Relaxed);
    database.is_stalled.store(false, Ordering::Relaxed);
}

/// Simulates a database, with a number of connections and a time per query.
#[derive(Clone)]
struct Database {
    connections: Arc<Semaphore>,
    is_down: Arc<AtomicBool>,
    is_stalled: Arc<AtomicBool>,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            connections: Arc::new(Semaphore::new(8)),
            is_down: Arc::default(),
            is_stalled: Arc::default(),
        }
    }
}

impl Database {
    async fn find(&self, id: u32) -> Option<String> {
        if self.is_stalled.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let _connection = self.connections.acquire().await.ok()?;
        tokio::time::sleep(Duration::from_millis(10)).await;
        let is_down = self.is_down.load(Ordering::Relaxed);
        (!is_down).then(|| format!("order {id}: one buttress, flying"))
    }
}

/// Serves on loopback, on a port that the system chooses.
async fn start(app: Router) -> Result<SocketAddr, BoxError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, app).into_future());
    Ok(address)
}
