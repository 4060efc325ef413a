//! Calls the server, and prints the responses.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use buttress::prelude::*;
use reqwest::{Client, Response};
use tokio::time::sleep;

use crate::rush;

/// Makes calls before, during and after a burst and an outage.
pub(crate) async fn call(
    server: SocketAddr,
    shedder: &Shedder,
    breaker: &Breaker,
) -> Result<(), BoxError> {
    // The server is local, whatever proxy the environment sets.
    let client = Client::builder().no_proxy().build()?;
    let get_order = || client.get(format!("http://{server}/orders/7")).send();
    let to_database = |what| {
        let url = format!("http://{server}/database/{what}");
        client.post(url).send()
    };

    println!("The database works, and the circuit is closed:");
    tell(get_order().await?, breaker).await?;

    println!("\nA burst of two hundred users and two hundred batch calls:");
    rush::come(&client, server, shedder).await?;

    println!("\nThe database stalls, and the caller has 100 ms. Then the handler is dropped:");
    to_database("stall").await?;
    let hasty = client
        .get(format!("http://{server}/orders/7"))
        .header("x-envoy-expected-rq-timeout-ms", "100");
    tell(hasty.send().await?, breaker).await?;
    to_database("mend").await?;

    println!(
        "\nThe database goes down. With the stall, these are three consecutive failures, which open the circuit:"
    );
    to_database("break").await?;
    for _ in 0..2 {
        tell(get_order().await?, breaker).await?;
    }

    println!("\nNow the handler is not called. This is the whole response:");
    let refused = get_order().await?;
    let wait = retry_after(&refused).ok_or("the rejection has a Retry-After")?;
    tell_all(refused).await?;

    println!("\nThe database recovers. After {wait:?}, three probes close the circuit:");
    to_database("mend").await?;
    sleep(wait).await;
    for _ in 0..3 {
        tell(get_order().await?, breaker).await?;
    }
    Ok(())
}

async fn tell(response: Response, breaker: &Breaker) -> Result<(), BoxError> {
    let status = response.status();
    let body = response.text().await?;
    println!("  [{}] {status}: {body}", breaker.state());
    Ok(())
}

async fn tell_all(response: Response) -> Result<(), BoxError> {
    println!("  {:?} {}", response.version(), response.status());
    for (name, value) in response.headers() {
        println!("  {name}: {}", value.to_str()?);
    }
    println!("\n  {}", response.text().await?);
    Ok(())
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}
