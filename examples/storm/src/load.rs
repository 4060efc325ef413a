//! The open-loop load.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use reqwest::{Client, RequestBuilder};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::ledger::{Ending, Ledger};

/// How long a caller waits before hanging up: a little longer than four attempts of a gateway.
pub const PATIENCE: Duration = Duration::from_millis(2_000);

/// When requests come: a Poisson process of `rate` a second, up to `until`.
#[must_use]
pub fn arrivals(rate: u64, seed: u64, until: Duration) -> Vec<Duration> {
    let mut rng = Rng::with_seed(seed);
    let mut at = 0.0;
    let gaps = std::iter::from_fn(|| {
        at += -(1.0 - rng.f64()).ln() / rate as f64;
        Some(Duration::from_secs_f64(at))
    });
    gaps.take_while(|at| *at < until).collect()
}

/// One gateway under load: how to reach it, and the book its requests are entered in.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    pub(crate) ledger: Arc<Ledger>,
}

/// Sends every request when it is due, to all targets alike, and returns when each has ended.
///
/// The loop is open: no request waits for the answer to another, so a slow gateway gets no mercy, and
/// latency counts from when a request was due.
pub(crate) async fn drive(arrivals: &[Duration], epoch: Instant, targets: &[Target]) {
    let mut requests = JoinSet::new();
    for (number, due) in arrivals.iter().enumerate() {
        sleep_until(epoch + *due).await;
        for target in targets {
            let url = format!("http://{}/orders/{number}", target.address);
            let request = target.client.get(url);
            let ticket = target.ledger.offer(*due, epoch.elapsed());
            let ledger = Arc::clone(&target.ledger);
            let due = epoch + *due;
            requests.spawn(async move {
                let ending = ask(request, due).await;
                ledger.settle(ticket, epoch.elapsed(), ending);
            });
        }
        while requests.try_join_next().is_some() {}
    }
    // Every request ends with its caller's patience; what has not ended long after that never will,
    // and shows up as unaccounted for.
    let drained = async { while requests.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(10 * PATIENCE, drained).await;
}

async fn ask(request: RequestBuilder, due: Instant) -> Ending {
    let exchange = async {
        let response = request.send().await?;
        let status = response.status();
        Ok::<_, reqwest::Error>(Ending::of_response(status, &response.bytes().await?))
    };
    match timeout_at(due + PATIENCE, exchange).await {
        Ok(Ok(ending)) => ending,
        Ok(Err(_)) => Ending::Disconnected,
        Err(_) => Ending::HungUp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_keep_their_rate() {
        let seconds = 100;
        let count = arrivals(400, 7, Duration::from_secs(seconds)).len() as f64;
        // A Poisson count varies by its square root; five of those are one chance in a million.
        let expected = 400.0 * seconds as f64;
        assert!((count - expected).abs() < 5.0 * expected.sqrt(), "{count}");
    }

    #[test]
    fn gaps_are_exponential() {
        let at = arrivals(400, 7, Duration::from_secs(100));
        let gaps = at
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).as_secs_f64() * 400.0);
        let longer = gaps.filter(|gap| *gap > 1.0).count() as f64 / at.len() as f64;
        assert!((longer - 1.0_f64.exp().recip()).abs() < 0.02, "{longer}");
    }

    #[test]
    fn arrivals_come_in_order_and_in_time() {
        let until = Duration::from_secs(10);
        let at = arrivals(100, 1, until);
        assert!(at.is_sorted());
        assert!(at.last().is_some_and(|last| *last < until));
    }

    #[test]
    fn a_seed_repeats_its_arrivals_exactly() {
        let until = Duration::from_secs(10);
        assert_eq!(arrivals(400, 7, until), arrivals(400, 7, until));
        assert_ne!(arrivals(400, 7, until), arrivals(400, 8, until));
    }
}
