//! A gateway whose layers all come from one file. See README.md.

mod payments;

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use buttress::prelude::*;
use buttress::resilience::ClientService;
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::payments::Payments;

const FILE: &str = include_str!("resilience.toml");

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    println!("A file with mistakes is rejected, and all of them are listed:");
    let mistaken = FILE
        .replace("attempts = 3", "atempts = 3")
        .replace("\"100 ms\"", "\"1 s\"")
        .replace("medium = 0.1", "medium = 0.5")
        .replace("minimum = \"10 ms\"", "minimum = \"10\"");
    if let Err(error) = Resilience::from_toml(&mistaken) {
        println!("{error}");
    }

    let resilience = Resilience::from_toml(include_str!("resilience.toml"))?;
    let upstream = Payments::start().await?;
    let gateway = start(&resilience, &upstream).await?;

    println!("\nPayments works:");
    tell(gateway, &resilience).await?;

    println!("\nPayments fails once, and the call is retried:");
    upstream.fail(1);
    tell(gateway, &resilience).await?;

    println!(
        "\nPayments hangs. An attempt has 100 ms, and three consecutive timeouts open the circuit:"
    );
    upstream.hang();
    for _ in 0..4 {
        tell(gateway, &resilience).await?;
    }

    println!(
        "\nPayments has recovered. A reload of the file ends the open time of 30 s without a restart:"
    );
    upstream.recover();
    resilience.reload(&FILE.replace(
        "consecutive_failures",
        "mode = \"shadow\"\nconsecutive_failures",
    ))?;
    tell(gateway, &resilience).await?;
    Ok(())
}

/// The type of the handler's client.
type Client = ClientService<HttpClient>;

async fn start(resilience: &Resilience, upstream: &Payments) -> Result<SocketAddr, BoxError> {
    // The upstream is local, whatever proxy the environment sets.
    let client = reqwest::Client::builder().no_proxy().build()?;
    let client = resilience
        .client("payments")?
        .service(HttpClient::from(client));

    let router = Router::new()
        .route("/pay", get(pay))
        .with_state((client, upstream.url().to_owned()));
    let app = router.layer(resilience.server("api")?);

    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, app).into_future());
    Ok(address)
}

/// Forwards the response of payments, or returns the problem of the error.
async fn pay(State((client, url)): State<(Client, String)>) -> Response {
    let request = http::Request::get(url).body(reqwest::Body::default());
    let request = match request {
        Ok(request) => request,
        Err(error) => return error.to_string().into_response(),
    };
    match client.oneshot(request).await {
        Ok(response) => response.map(axum::body::Body::new),
        Err(error) => match Rejection::find(&*error) {
            Some(rejection) => Problem::from(rejection).into_response(),
            None => http::StatusCode::BAD_GATEWAY.into_response(),
        },
    }
}

async fn tell(gateway: SocketAddr, resilience: &Resilience) -> Result<(), BoxError> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let response = client.get(format!("http://{gateway}/pay")).send().await?;
    let (status, body) = (response.status(), response.text().await?);
    let breaker = resilience
        .breaker("payments")
        .ok_or("the file has a breaker")?;
    println!("  [{}] {status}: {body}", breaker.state());
    Ok(())
}
