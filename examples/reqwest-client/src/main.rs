//! A client that leaves a failing dependency alone until it has recovered. See README.md.

mod upstream;

use std::time::Duration;

use buttress::Ratio;
use buttress::breaker::BreakerService;
use buttress::deadline::{Client, DeadlineService};
use buttress::http::Http;
use buttress::prelude::*;
use http::Request;
use tower::{ServiceBuilder, ServiceExt};

use crate::upstream::Upstream;

/// What the stack in `main` is: each layer's service around the one below. A clone shares the circuit.
type Payments = DeadlineService<BreakerService<HttpClient, Http>, Client>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let upstream = Upstream::start().await?;
    let breaker = Breaker::new(
        "payments",
        BreakerConfig::default()
            // Of the last ten seconds. A 503 with a `Retry-After` counts here, and is no failure in a row: a service
            // that sends one is alive.
            .failure_ratio(Ratio::HALF)
            .minimum_calls(4)
            .open_for(OpenDuration::Fixed(Duration::from_secs(1))),
    );
    // The upstream is next door, whatever proxy the environment names.
    let client = reqwest::Client::builder().no_proxy().build()?;
    let payments: Payments = ServiceBuilder::new()
        .layer(
            DeadlineLayer::client_with(ClientDeadlineConfig::default().timeout(PATIENCE))
                .named("payments"),
        )
        .layer(BreakerLayer::http(&breaker))
        .service(HttpClient::from(client));

    println!("All is well, and the circuit is closed:");
    tell(charge(&payments, &upstream).await, &breaker);

    println!(
        "\nThe upstream fails, and asks to be left alone for 2 s. Three of four calls open the circuit:"
    );
    upstream.fail();
    for _ in 0..3 {
        tell(charge(&payments, &upstream).await, &breaker);
    }

    println!("\nNow nothing is sent, and the error says when to come back:");
    let Err(refused) = charge(&payments, &upstream).await else {
        return Err("an open circuit refuses".into());
    };
    let rejection = Rejection::find(&*refused).ok_or("the refusal is a rejection")?;
    let wait = rejection.retry_after().ok_or("it says for how long")?;
    tell(Err(refused), &breaker);

    println!("\nThe upstream recovers, and so do we. Three probes succeed:");
    upstream.recover();
    tokio::time::sleep(wait).await;
    for _ in 0..3 {
        tell(charge(&payments, &upstream).await, &breaker);
    }

    println!("\nAn operator holds the circuit open, for as long as the guard lives:");
    let maintenance = breaker.isolate("maintenance");
    tell(charge(&payments, &upstream).await, &breaker);
    drop(maintenance);
    tell(charge(&payments, &upstream).await, &breaker);

    println!("\nThe upstream stalls. It was told how long we wait, and we wait no longer:");
    upstream.stall();
    tell(charge(&payments, &upstream).await, &breaker);

    println!("\nThe upstream got {} requests.", upstream.requests());
    Ok(())
}

/// How long a call may take. In a handler behind `DeadlineLayer::server` it would be no longer than the handler's
/// own caller waits.
const PATIENCE: Duration = Duration::from_millis(500);

/// One call: an `http` request in, an `http` response out, and of that a response of reqwest.
async fn charge(payments: &Payments, upstream: &Upstream) -> Result<String, BoxError> {
    let request = Request::post(upstream.url()).body("{\"amount\": 42}".into())?;
    let response = buttress::to_reqwest(payments.clone().oneshot(request).await?);
    let status = response.status();
    // The call lasts until its body ends: one that breaks off is a failure too.
    let body = response.text().await?;
    Ok(format!("{status}: {body}"))
}

fn tell(result: Result<String, BoxError>, breaker: &Breaker) {
    let told = match result {
        Ok(answer) => answer,
        // One of our layers said no, and not the upstream.
        Err(error) if Rejection::find(&*error).is_some() => format!("rejected: {error}"),
        Err(error) => format!("failed: {error}"),
    };
    println!("  [{}] {told}", breaker.state());
}
