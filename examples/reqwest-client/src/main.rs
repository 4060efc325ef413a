//! A client that does not call a failing dependency until it has recovered. See README.md.

mod upstream;

use std::time::Duration;

use buttress::Ratio;
use buttress::breaker::{BreakerService, Window};
use buttress::deadline::{Client, DeadlineService};
use buttress::http::Http;
use buttress::prelude::*;
use http::Request;
use tower::{ServiceBuilder, ServiceExt};

use crate::upstream::Upstream;

/// The type of the stack in `main`: the service of each layer around the inner one. Clones share the circuit.
type Payments = DeadlineService<BreakerService<HttpClient, Http>, Client>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let upstream = Upstream::start().await?;
    let breaker = Breaker::new(
        "payments",
        BreakerConfig::default()
            // Of so few calls only for the sake of the example. A 503 with a `Retry-After` counts here, but is not a
            // consecutive failure, because a service that sends one is running.
            .window(Window::Count(4))
            .failure_ratio(Ratio::HALF)
            .minimum_calls(4)
            .open_for(OpenDuration::Fixed(Duration::from_secs(1))),
    );
    // The upstream is local, whatever proxy the environment sets.
    let client = reqwest::Client::builder().no_proxy().build()?;
    let deadline = Deadlines::new(
        "payments",
        ClientDeadlineConfig::default().timeout(PATIENCE),
    );
    let payments: Payments = ServiceBuilder::new()
        .layer(DeadlineLayer::client(&deadline))
        .layer(BreakerLayer::client(&breaker))
        .service(HttpClient::from(client));

    println!("The upstream works, and the circuit is closed:");
    tell(charge(&payments, &upstream).await, &breaker);

    println!(
        "\nThe upstream fails with a Retry-After of 2 s. Three failures of four calls open the circuit:"
    );
    upstream.fail();
    for _ in 0..3 {
        tell(charge(&payments, &upstream).await, &breaker);
    }

    println!("\nNow nothing is sent, and the error has a Retry-After:");
    let Err(refused) = charge(&payments, &upstream).await else {
        return Err("an open circuit rejects".into());
    };
    let rejection = Rejection::find(&*refused).ok_or("the error is a rejection")?;
    let wait = rejection
        .retry_after()
        .ok_or("the rejection has a Retry-After")?;
    tell(Err(refused), &breaker);

    println!("\nThe upstream recovers. Three probes close the circuit:");
    upstream.recover();
    tokio::time::sleep(wait).await;
    for _ in 0..3 {
        tell(charge(&payments, &upstream).await, &breaker);
    }

    println!("\nAn operator holds the circuit open, until the guard is dropped:");
    let maintenance = breaker.isolate("maintenance");
    tell(charge(&payments, &upstream).await, &breaker);
    drop(maintenance);
    tell(charge(&payments, &upstream).await, &breaker);

    println!(
        "\nThe upstream stalls. The call ends at its deadline, which was sent to the upstream:"
    );
    upstream.stall();
    tell(charge(&payments, &upstream).await, &breaker);

    println!("\nThe upstream got {} requests.", upstream.requests());
    Ok(())
}

/// The maximum time of a call. In a handler inside `DeadlineLayer::server` it is at most that of the handler's
/// caller.
const PATIENCE: Duration = Duration::from_millis(500);

/// Makes one call: converts `http` requests and responses to those of reqwest.
async fn charge(payments: &Payments, upstream: &Upstream) -> Result<String, BoxError> {
    let request = Request::post(upstream.url()).body("{\"amount\": 42}".into())?;
    let response = buttress::to_reqwest(payments.clone().oneshot(request).await?);
    let status = response.status();
    // The call ends with its body: a body that breaks off is a failure too.
    let body = response.text().await?;
    Ok(format!("{status}: {body}"))
}

fn tell(result: Result<String, BoxError>, breaker: &Breaker) {
    let told = match result {
        Ok(answer) => answer,
        // A rejection of a layer, and not an error of the upstream.
        Err(error) if Rejection::find(&*error).is_some() => format!("rejected: {error}"),
        Err(error) => format!("failed: {error}"),
    };
    println!("  [{}] {told}", breaker.state());
}
