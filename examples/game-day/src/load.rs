use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use buttress::chaos::Observer;
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
    /// How long it took, from when it was due.
    pub(crate) took: Duration,
    pub(crate) ending: Ending,
    /// A success that is not what the upstream said.
    pub(crate) torn: bool,
    /// Which faults the response says it met.
    pub(crate) told: Option<String>,
}

/// Sends every request when it is due, whether the last was answered or not, and returns when each has ended.
///
/// A request without a fate is unaccounted for.
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
    // Every request ends with its caller's patience; what has not ended long after that never will.
    let drained = async { while under_way.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(10 * PATIENCE, drained).await;
    std::mem::take(&mut lock(&fates))
}

async fn ask(request: RequestBuilder, due: Instant) -> Fate {
    let mut told = None;
    let exchange = async {
        let response = request.send().await?;
        let header = response.headers().get("x-buttress-fault");
        told = header.and_then(|told| Some(told.to_str().ok()?.to_owned()));
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
        told,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
