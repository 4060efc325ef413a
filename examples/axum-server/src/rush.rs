//! A burst of requests that exceeds the capacity.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use buttress::prelude::*;
use reqwest::{Client, StatusCode};
use tokio::time::Instant;

/// Sends all of them, and prints the responses.
pub(crate) async fn come(
    client: &Client,
    server: SocketAddr,
    shedder: &Shedder,
) -> Result<(), BoxError> {
    let mut crowds = Vec::new();
    for (who, criticality) in [("batch", Criticality::Low), ("users", Criticality::High)] {
        let crowd: Vec<_> = (0..200)
            .map(|order| {
                let request = client
                    .get(format!("http://{server}/orders/{order}"))
                    .header("x-criticality", criticality.as_str());
                tokio::spawn(ask(request))
            })
            .collect();
        crowds.push((who, crowd));
    }
    for (who, crowd) in crowds {
        let mut heard = BTreeMap::<_, (u32, Duration)>::new();
        for caller in crowd {
            let (status, took) = caller.await??;
            let (callers, longest) = heard.entry(status).or_default();
            *callers += 1;
            *longest = took.max(*longest);
        }
        for (status, (callers, longest)) in heard {
            println!("  {callers:3} {who}: {status}, after {longest:.0?} at most");
        }
    }
    println!("  {shedder:?}");
    Ok(())
}

async fn ask(request: reqwest::RequestBuilder) -> Result<(StatusCode, Duration), BoxError> {
    let begun = Instant::now();
    let response = request.send().await?;
    let status = response.status();
    response.bytes().await?;
    Ok((status, begun.elapsed()))
}
