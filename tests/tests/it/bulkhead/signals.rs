//! The metrics of a real bulkhead.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use buttress::metrics::names;
use buttress::prelude::*;
use buttress_testkit::CountingWaker;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tower::{Layer, ServiceExt, service_fn};

/// All series: the name without the pattern's prefix, then the values of the labels.
type Seen = BTreeMap<String, f64>;

/// Adds the changes since the last read: reading resets a debugging recorder.
fn look(recorder: &DebuggingRecorder, seen: &mut Seen) {
    for (key, _, _, value) in recorder.snapshotter().snapshot().into_vec() {
        let key = key.key();
        let Some(name) = key.name().strip_prefix("buttress_bulkhead_") else {
            continue;
        };
        let labels: Vec<_> = key.labels().map(|label| label.value()).collect();
        let value = match value {
            DebugValue::Counter(count) => count as f64,
            DebugValue::Gauge(level) => level.into_inner(),
            DebugValue::Histogram(samples) => samples.len() as f64,
        };
        *seen
            .entry(format!("{name} {}", labels.join(" ")))
            .or_default() += value;
    }
}

#[test]
fn every_metric_changes_with_its_labels() {
    let recorder = DebuggingRecorder::new();
    metrics::with_local_recorder(&recorder, || {
        run(async {
            let config = BulkheadConfig::default().limit(1).queue(2).max_wait(WAIT);
            let bulkhead = Bulkhead::new("api", config.clone());
            let never = service_fn(|()| std::future::pending::<Result<(), io::Error>>());
            let service = BulkheadLayer::new(&bulkhead).layer(never);
            let task = CountingWaker::new();
            let begin = || {
                let mut call = Box::pin(service.clone().oneshot(()));
                assert!(task.poll_future(call.as_mut()).is_pending());
                call
            };
            let inside = begin();
            let waiting = [begin(), begin()];
            service.clone().oneshot(()).await.unwrap_err();
            let mut seen = Seen::new();
            look(&recorder, &mut seen);
            assert_eq!(seen["in_flight api"], 1.0);
            assert_eq!(seen["queue_length api"], 2.0);
            assert_eq!(seen["rejections_total api bulkhead_full"], 1.0);

            // One waits until its timeout, the other is dropped.
            tokio::time::advance(WAIT).await;
            let [mut in_vain, leaving] = waiting;
            drop(leaving);
            assert!(task.poll_future(in_vain.as_mut()).is_ready());
            drop(in_vain);

            let shadow = config.mode(Mode::Shadow).queue(0);
            bulkhead.reconfigure(shadow).unwrap();
            drop(begin());
            // K03 of tower-resilience: a cancelled call stays in its gauge forever.
            drop(inside);
            look(&recorder, &mut seen);
            assert_eq!(seen["in_flight api"], 0.0);
            assert_eq!(seen["queue_length api"], 0.0);
            assert_eq!(seen["rejections_total api queue_timeout"], 1.0);
            assert_eq!(seen["would_reject_total api bulkhead_full"], 1.0);
            assert_eq!(seen["wait_seconds api"], 2.0);
            for metric in names::ALL {
                if let Some(name) = metric.name.strip_prefix("buttress_bulkhead_") {
                    let labels = metric.labels.len();
                    let is_it = |series: &str| series.split(' ').next() == Some(name);
                    let found: Vec<_> = seen.keys().filter(|series| is_it(series)).collect();
                    assert!(!found.is_empty(), "{name}");
                    for series in found {
                        assert_eq!(series.split(' ').count(), 1 + labels, "{series}");
                    }
                }
            }
        });
    });
}

const WAIT: Duration = Duration::from_millis(100);

/// Runs on this thread, where the recorder is installed, with a paused clock.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    runtime.unwrap().block_on(future)
}
