//! Three tiers and a leaf: deadlines that shrink from hop to hop, and attempts that do not multiply. See README.md.

mod below;
mod chain;
mod hops;
mod naive;
mod net;
mod ours;
mod tier;

use std::process::ExitCode;
use std::time::Duration;

use axum::body::Body;
use buttress::prelude::*;
use http::{Request, StatusCode};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::chain::Chain;

#[tokio::main]
async fn main() -> Result<ExitCode, BoxError> {
    let chain = ours::start(WORK).await?;
    let shrinks = time_shrinks(&chain).await?;
    let is_spared = late_call_does_not_reach_leaf(&chain).await?;

    println!("The leaf fails, and each tier may make four attempts at a call:");
    let naive = attempts_per_request("naive", &naive::start().await?, 40).await?;
    let ours = attempts_per_request("buttress", &ours::start(Duration::ZERO).await?, 400).await?;
    println!("  at most {MOST} is allowed; the naive tiers multiply to {naive:.0}");

    Ok(if shrinks && is_spared && ours <= MOST {
        ExitCode::SUCCESS
    } else {
        eprintln!("three-tiers: a check failed");
        ExitCode::FAILURE
    })
}

/// Checks that each hop has less time than the one before.
async fn time_shrinks(chain: &Chain) -> Result<bool, BoxError> {
    println!(
        "The caller gives 1000 ms. Each tier works for {WORK:?}, and sends the remaining time to the next:"
    );
    let (status, _) = call(chain, Some(1000)).await?;
    println!("  hop  header                                  remaining");
    let hops = chain.hops.take();
    for hop in &hops {
        println!("  {hop}");
    }
    println!("  response: {status}\n");
    let shrinks = hops.windows(2).all(|pair| pair[1].left < pair[0].left);
    Ok(hops.len() == 4 && shrinks && hops[3].left > Some(Duration::ZERO) && status.is_success())
}

/// Checks that a call without enough time does not reach the leaf.
async fn late_call_does_not_reach_leaf(chain: &Chain) -> Result<bool, BoxError> {
    println!("The caller gives 55 ms, which is less than the tiers need:");
    let before = chain.leaf.calls();
    let (status, took) = call(chain, Some(55)).await?;
    for hop in chain.hops.take() {
        println!("  {hop}");
    }
    let calls = chain.leaf.calls() - before;
    println!(
        "  response: {status} after {} ms, with {calls} calls at the leaf\n",
        took.as_millis()
    );
    Ok(calls == 0 && status == StatusCode::GATEWAY_TIMEOUT)
}

/// Returns how often a failing leaf is called for each request at the top.
async fn attempts_per_request(name: &str, chain: &Chain, requests: u64) -> Result<f64, BoxError> {
    // Successes, which deposit into the budget of retries.
    many_calls(chain, requests).await?;
    chain.leaf.fail();
    let before = chain.leaf.calls();
    let began = Instant::now();
    let answers = many_calls(chain, requests).await?;
    let attempts = chain.leaf.calls() - before;
    let per_request = attempts as f64 / requests as f64;
    println!("  {name:<8}  leaf attempts per request: {per_request:.2}");
    println!(
        "            {attempts} attempts for {requests} requests in {:.1} s, {answers} of them successful",
        began.elapsed().as_secs_f64()
    );
    Ok(per_request)
}

/// Sends a number of requests, a few at a time, and returns how many of them succeeded.
async fn many_calls(chain: &Chain, requests: u64) -> Result<u64, BoxError> {
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let chain = chain.clone();
        callers.spawn(async move {
            let mut answered = 0;
            for _ in 0..requests / CALLERS {
                let (status, _) = call(&chain, None).await?;
                answered += u64::from(status.is_success());
            }
            Ok::<_, BoxError>(answered)
        });
    }
    let mut answered = 0;
    while let Some(caller) = callers.join_next().await {
        answered += caller??;
    }
    Ok(answered)
}

/// Makes one request at the top of a chain, as a caller that only sends a header.
async fn call(chain: &Chain, millis: Option<u64>) -> Result<(StatusCode, Duration), BoxError> {
    let mut request = Request::get(format!("http://{}/", chain.top));
    if let Some(millis) = millis {
        request = request.header("x-envoy-expected-rq-timeout-ms", millis);
    }
    let began = Instant::now();
    let response = net::client().oneshot(request.body(Body::empty())?).await?;
    Ok((response.status(), began.elapsed()))
}

/// How long each tier works before it calls the next.
const WORK: Duration = Duration::from_millis(20);

/// The number of concurrent callers.
const CALLERS: u64 = 8;

/// The maximum number of attempts at the leaf for each request at the top.
const MOST: f64 = 1.2;
