use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use buttress::game_day::Observer;
use reqwest::{Client, RequestBuilder};
use storm::ledger::Ending;
use storm::load::PATIENCE;
use storm::upstream::ANSWER;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::decisions::REQUEST_ID;
use crate::traffic::Request;

/// The result of one request.
#[derive(Debug, Clone)]
pub(crate) struct Fate {
    /// The latency, from when it was due.
    pub(crate) took: Duration,
    pub(crate) ending: Ending,
    /// A success with a response other than the upstream's.
    pub(crate) torn: bool,
    /// The faults in the header of the response.
    pub(crate) reported: Option<String>,
}

/// Sends each request when it is due, without waiting for earlier responses, and returns when all have ended.
///
/// A request without a result is unaccounted for.
pub(crate) async fn drive(
    requests: &[Request],
    gateway: SocketAddr,
    client: &Client,
    observer: &Observer,
) -> Vec<Option<Fate>> {
    let fates = Arc::new(Mutex::new(vec![None; requests.len()]));
    let epoch = Instant::now();
    let mut under_way = JoinSet::new();
    for (number, request) in requests.iter().enumerate() {
        let due = epoch + request.due;
        sleep_until(due).await;
        let url = format!("http://{gateway}{}", request.path());
        let request = client.get(url).header(REQUEST_ID, &request.id);
        let (fates, observer) = (Arc::clone(&fates), observer.clone());
        under_way.spawn(async move {
            let fate = ask(request, due).await;
            observer.record(fate.ending != Ending::Answered, fate.took);
            lock(&fates)[number] = Some(fate);
        });
        while under_way.try_join_next().is_some() {}
    }
    // Every request ends with its caller's timeout. Requests that have not ended long after that never will.
    let drained = async { while under_way.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(10 * PATIENCE, drained).await;
    std::mem::take(&mut lock(&fates))
}

async fn ask(request: RequestBuilder, due: Instant) -> Fate {
    let mut reported = None;
    let exchange = async {
        let response = request.send().await?;
        let header = response.headers().get("x-buttress-fault");
        reported = header.and_then(|reported| Some(reported.to_str().ok()?.to_owned()));
        let status = response.status();
        let body = response.bytes().await?;
        let ending = Ending::of_response(status, &body);
        let torn = ending == Ending::Answered && body != ANSWER;
        Ok::<_, reqwest::Error>((ending, torn))
    };
    let (ending, torn) = match timeout_at(due + PATIENCE, exchange).await {
        Ok(Ok(seen)) => seen,
        Ok(Err(_)) => (Ending::Disconnected, false),
        Err(_) => (Ending::HungUp, false),
    };
    Fate {
        took: due.elapsed(),
        ending,
        torn,
        reported,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
