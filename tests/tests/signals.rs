//! The metrics and events of an outage, from real layers.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use buttress::metrics::names;
use buttress::prelude::*;
use buttress_testkit::{ProbeHandle, ReadyProbe, Script, TestBody};
use http::{Request, Response, StatusCode};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, SubscriberExt};

/// The patterns whose metrics this test covers.
const PATTERNS: [&str; 3] = ["buttress_breaker_", "buttress_http_", "buttress_problem_"];

#[test]
fn every_metric_changes_with_its_labels() {
    let recorder = DebuggingRecorder::new();
    // The breaker is kept, because dropping it removes its state.
    let _breaker = metrics::with_local_recorder(&recorder, || run(all_events()));

    let mut labels: BTreeMap<String, BTreeSet<Vec<String>>> = BTreeMap::new();
    let mut moved = BTreeSet::new();
    for (key, _, _, value) in recorder.snapshotter().snapshot().into_vec() {
        let key = key.key();
        let names = key.labels().map(|label| label.key().to_owned()).collect();
        labels
            .entry(key.name().to_owned())
            .or_default()
            .insert(names);
        if number(&value) > 0.0 {
            moved.insert(key.name().to_owned());
        }
    }
    for metric in names::ALL {
        if PATTERNS
            .iter()
            .any(|pattern| metric.name.starts_with(pattern))
        {
            let declared: Vec<_> = metric.labels.iter().copied().map(String::from).collect();
            assert_eq!(labels[metric.name], [declared].into(), "{}", metric.name);
            assert!(moved.contains(metric.name), "{} stood still", metric.name);
        }
    }
}

/// Defect K03 of tower-resilience, a gauge that a cancelled call does not decrement, and B17, a state that stays 1.
#[test]
fn a_cancelled_call_is_counted_and_resets_the_gauges() {
    let recorder = DebuggingRecorder::new();
    metrics::with_local_recorder(&recorder, || {
        run(async {
            let breaker = Breaker::new("test", config());
            let (mut service, probe) = behind(&BreakerLayer::client(&breaker));
            probe.script(Script::new());
            ServiceExt::<Request<TestBody>>::ready(&mut service)
                .await
                .unwrap();
            drop(service.call(Request::new(TestBody::empty())));
            breaker.trip();
            tokio::time::advance(OPEN_FOR).await;
            probe.script(answer(StatusCode::OK));
            for _ in 0..3 {
                call(&service).await.unwrap();
            }
            assert_eq!(breaker.state(), CircuitState::Closed);
            // Read before the breaker is dropped, which removes its state.
            let seen = nonzero(&recorder);
            assert_eq!(seen["buttress_breaker_calls_total test cancelled"], 1.0);
            let states = seen
                .iter()
                .filter(|(name, _)| name.starts_with("buttress_breaker_state"));
            let states: Vec<_> = states
                .map(|(name, value)| (name.as_str(), *value))
                .collect();
            assert_eq!(states, [("buttress_breaker_state test closed", 1.0)]);
        });
    });
}

/// Defects B14 and B24 of tower-resilience: events are emitted before the state changes, and under its lock.
#[test]
fn a_subscriber_reads_the_new_state_during_an_event() {
    let log = Log::default();
    let subscriber = tracing_subscriber::registry().with(log.clone());
    tracing::subscriber::with_default(subscriber, || {
        run(async {
            let breaker = Breaker::new("test", config());
            log.breaker.lock().unwrap().replace(breaker.clone());
            let (service, probe) = behind(&BreakerLayer::client(&breaker));
            probe.script(answer(StatusCode::BAD_GATEWAY));
            for _ in 0..3 {
                call(&service).await.unwrap();
            }
            call(&service).await.map(drop).unwrap_err();
            tokio::time::advance(OPEN_FOR).await;
            probe.script(answer(StatusCode::OK));
            for _ in 0..3 {
                call(&service).await.unwrap();
            }
        });
    });
    assert_eq!(
        *log.lines.lock().unwrap(),
        [
            "WARN circuit opened: Open",
            "DEBUG call rejected: Open",
            "INFO circuit changed state: HalfOpen",
            "INFO circuit changed state: Closed",
        ]
    );
}

/// The log has the internal text, and a rejection is not an error.
#[test]
fn a_problem_is_logged_at_the_right_level() {
    let log = Log::default();
    let subscriber = tracing_subscriber::registry().with(log.clone());
    tracing::subscriber::with_default(subscriber, || {
        run(async {
            let breaker = Breaker::new("test", config().consecutive_failures(1));
            let stack = ServiceBuilder::new()
                .layer(ProblemLayer::default())
                .layer(BreakerLayer::new(&breaker));
            let (service, probe) = behind(&stack.into_inner());
            probe.script(Script::new().err("password of the database"));
            for expected in [500, 503] {
                let Ok(response) = call(&service).await;
                assert_eq!(response.status().as_u16(), expected);
            }
        });
    });
    let lines = log.lines.lock().unwrap();
    assert!(
        lines.contains(&"ERROR request failed".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"DEBUG request rejected".to_owned()),
        "{lines:?}"
    );
}

/// Every event that has a metric.
async fn all_events() -> Breaker {
    let config = config()
        .slow_calls(Duration::from_secs(1), Ratio::ONE)
        .minimum_calls(1_000);
    let breaker = Breaker::new("test", config);
    let stack = ServiceBuilder::new()
        .layer(ProblemLayer::default())
        .layer(BreakerLayer::client(&breaker));
    let (service, probe) = behind(&stack.into_inner());

    // One that is slow, and still in flight when the circuit opens: a stale one.
    probe.script(Script::new());
    let gate = buttress_testkit::Gate::new();
    probe.script_next(Script::new().wait(&gate).ok(Response::default()));
    let late = tokio::spawn(service.clone().oneshot(Request::new(TestBody::empty())));
    while probe.calls() == 0 {
        tokio::task::yield_now().await;
    }
    tokio::time::advance(Duration::from_secs(2)).await;

    let unreadable = Response::builder()
        .status(StatusCode::SERVICE_UNAVAILABLE)
        .header("retry-after", "soon")
        .body(TestBody::empty());
    probe.script(Script::new().ok(unreadable.unwrap()));
    for _ in 0..3 {
        let Ok(_) = call(&service).await;
    }
    assert_eq!(breaker.state(), CircuitState::Open);
    let Ok(refused) = call(&service).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    gate.open();
    late.await.unwrap().unwrap();

    breaker
        .reconfigure(breaker.config().mode(Mode::Shadow))
        .unwrap();
    let Ok(_) = call(&service).await;
    breaker
}

const OPEN_FOR: Duration = Duration::from_secs(10);

/// Opens after three consecutive failures and closes after three probes.
fn config() -> BreakerConfig {
    BreakerConfig::default()
        .failure_ratio(None)
        .consecutive_failures(3)
        .open_for(OpenDuration::Fixed(OPEN_FOR))
}

fn behind<L: Layer<ReadyProbe>>(layer: &L) -> (L::Service, ProbeHandle) {
    let (inner, probe) = ReadyProbe::new();
    (layer.layer(inner), probe)
}

fn answer(status: StatusCode) -> Script<Response<TestBody>> {
    let mut response = Response::<TestBody>::default();
    *response.status_mut() = status;
    Script::new().ok(response)
}

async fn call<S>(service: &S) -> Result<S::Response, S::Error>
where
    S: Service<Request<TestBody>> + Clone,
{
    let request = Request::new(TestBody::empty());
    service.clone().oneshot(request).await
}

/// Runs on this thread, where the recorder and the subscriber are installed, with a paused clock.
fn run<T>(future: impl Future<Output = T>) -> T {
    // tracing caches whether an event is of interest to any thread. A thread without a subscriber could disable it for
    // the test that reads it.
    static GLOBAL: Once = Once::new();
    GLOBAL.call_once(|| {
        let registry = tracing_subscriber::registry();
        tracing::subscriber::set_global_default(registry).unwrap();
    });
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    runtime.unwrap().block_on(future)
}

fn number(value: &DebugValue) -> f64 {
    match value {
        DebugValue::Counter(count) => *count as f64,
        DebugValue::Gauge(level) => level.into_inner(),
        DebugValue::Histogram(samples) => samples.len() as f64,
    }
}

/// Every series that is not 0: the name, then the values of the labels.
fn nonzero(recorder: &DebuggingRecorder) -> BTreeMap<String, f64> {
    let series = recorder.snapshotter().snapshot().into_vec();
    let named = series.into_iter().map(|(key, _, _, value)| {
        let key = key.key();
        let values = key.labels().map(|label| label.value());
        let name: Vec<_> = std::iter::once(key.name()).chain(values).collect();
        (name.join(" "), number(&value))
    });
    named.filter(|(_, value)| *value != 0.0).collect()
}

/// Records each event, and reads the breaker's state during it.
#[derive(Clone, Default)]
struct Log {
    breaker: Arc<Mutex<Option<Breaker>>>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Log {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if !event.metadata().target().starts_with("buttress::") {
            return;
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        let mut line = format!("{} {}", event.metadata().level(), message.0);
        if let Some(breaker) = &*self.breaker.lock().unwrap() {
            line.push_str(&format!(": {:?}", breaker.state()));
        }
        self.lines.lock().unwrap().push(line);
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
