//! The metrics of retries, hedges and their budget, from real layers.
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use buttress::metrics::names;
use buttress::prelude::*;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tokio::time::sleep;
use tower::{Layer, ServiceExt, service_fn};

const USUAL: Duration = Duration::from_millis(100);

#[test]
fn every_metric_changes_with_its_labels() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let seen = metrics::with_local_recorder(&recorder, || {
        run(async {
            // The budget is kept until the gauge is read, because dropping it removes its balance.
            let kept = retries().await;
            hedges().await;
            let mut seen = BTreeMap::new();
            for (key, _, _, value) in snapshotter.snapshot().into_vec() {
                let key = key.key();
                let labels: Vec<_> = key.labels().map(|label| label.value()).collect();
                let value = match value {
                    DebugValue::Counter(count) => count as f64,
                    DebugValue::Gauge(level) => level.into_inner(),
                    DebugValue::Histogram(_) => f64::NAN,
                };
                seen.insert(format!("{} {}", key.name(), labels.join(" ")), value);
            }
            drop(kept);
            seen
        })
    });
    for (series, value) in [
        ("attempts_total retry success", 2.0),
        ("attempts_total retry error", 5.0),
        ("attempts_total retry cancelled", 1.0),
        ("attempts_total shadow error", 1.0),
        ("retries_total retry error", 4.0),
        ("stops_total retry attempts_exhausted", 1.0),
        ("would_retry_total shadow error", 1.0),
        ("hedges_total hedge won", 1.0),
        ("hedges_total hedge lost", 1.0),
    ] {
        let series = format!("buttress_retry_{series}");
        assert_eq!(seen.get(&series), Some(&value), "{series}");
    }
    assert!(seen["buttress_retry_budget_balance retry"] > 0.0);
    for metric in names::ALL
        .iter()
        .filter(|metric| metric.name.starts_with("buttress_retry_"))
    {
        let moved = seen
            .iter()
            .any(|(series, value)| series.starts_with(metric.name) && *value > 0.0);
        assert!(moved, "{} stood still", metric.name);
    }
}

/// One call that succeeds at once, one at its second attempt, one never, one that is dropped; and one in shadow.
async fn retries() -> (Retry, Retry) {
    let backoff = Backoff::default().base(USUAL).jitter(Jitter::None);
    // Four calls alone do not pay for five retries.
    let budget = BudgetConfig::default().floor_per_second(10);
    let config = RetryConfig::default().backoff(backoff).budget(budget);
    let retry = Retry::new("retry", config.clone());
    let shadow = Retry::new("shadow", config.mode(Mode::Shadow));
    sleep(Duration::from_secs(1)).await;
    failing(&retry, 0).await.unwrap();
    failing(&retry, 1).await.unwrap();
    failing(&retry, 3).await.unwrap_err();
    let waiting = tokio::time::timeout(USUAL / 2, failing(&retry, 1)).await;
    waiting.unwrap_err();
    failing(&shadow, 1).await.unwrap_err();
    (retry, shadow)
}

/// A call that fails this many times before it succeeds.
async fn failing(retry: &Retry, times: u64) -> Result<(), BoxError> {
    let calls = Arc::new(AtomicU64::new(0));
    let inner = service_fn(move |()| {
        let fails = calls.fetch_add(1, Ordering::Relaxed) < times;
        async move {
            match fails {
                true => Err(io::Error::other("scripted")),
                false => Ok(()),
            }
        }
    });
    RetryLayer::new(retry).layer(inner).oneshot(()).await
}

/// A hundred calls of the usual latency, one with a second attempt that wins, and one with a second attempt that
/// loses.
async fn hedges() {
    let hedge = Hedge::new("hedge", HedgeConfig::default().minimum_calls(10));
    let inner = service_fn(|durations: Arc<AtomicU64>| async move {
        // The first attempt takes the scripted time, the second a second.
        let takes = durations.swap(1_000, Ordering::Relaxed);
        sleep(Duration::from_millis(takes)).await;
        Ok::<_, io::Error>(())
    });
    let service = HedgeLayer::new(&hedge).layer(inner);
    for takes in std::iter::repeat_n(100, 100).chain([10_000, 500]) {
        let request = Arc::new(AtomicU64::new(takes));
        service.clone().oneshot(request).await.unwrap();
    }
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}
