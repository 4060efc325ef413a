//! An axum server that goes on answering while its database is down. See README.md.

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
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let serves = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--serve") => true,
        Some(other) => return Err(format!("{other} is no option: there is --serve").into()),
    };
    let breaker = Breaker::new(
        "orders",
        BreakerConfig::default()
            .consecutive_failures(3)
            .open_for(OpenTime::Fixed(Duration::from_secs(2))),
    );
    let address = start(app(&breaker)).await?;

    if serves {
        println!("Serving at http://{address}, until Ctrl-C.");
        tokio::signal::ctrl_c().await?;
        return Ok(());
    }
    visitor::call(address, &breaker).await
}

/// The service: one route that needs the database, behind a breaker, and three that play havoc with it.
fn app(breaker: &Breaker) -> Router {
    Router::new()
        .route("/orders/{id}", get(order))
        // Around the routes above. Outermost first: the breaker watches what the handler answers, the deadline
        // ends what takes longer than its caller waits, and when one of them refuses a call, the problem layer
        // turns that into a response.
        .layer(
            ServiceBuilder::new()
                .layer(ProblemLayer::new())
                .layer(DeadlineLayer::server(
                    DeadlineConfig::default().timeout(Duration::from_secs(2)),
                ))
                .layer(BreakerLayer::http(breaker)),
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

/// Stands in for a real one.
#[derive(Clone, Default)]
struct Database {
    is_down: Arc<AtomicBool>,
    is_stalled: Arc<AtomicBool>,
}

impl Database {
    async fn find(&self, id: u32) -> Option<String> {
        if self.is_stalled.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
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
