//! The metrics of a shedder, from real layers.
use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use buttress::metrics::names;
use buttress::prelude::*;
use buttress::shed::{Pressure, PressureConfig};
use buttress_testkit::{ReadyProbe, Script, TestBody};
use http::{Request, Response, StatusCode};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tower::{Layer, Service, ServiceExt};

type Seen = BTreeMap<String, f64>;

#[test]
fn every_metric_changes_with_its_labels() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || run(all_events(&snapshotter)));
}

/// One in flight, one that waits, one that waits until its timeout, one without room; a shadow; a throttle.
async fn all_events(snapshotter: &Snapshotter) {
    let config = ShedConfig::default().limit(1).queue(2);
    let shedder = Shedder::new("api", config.clone());
    let (service, probe) = behind(&shedder);
    probe.hold();
    let inside = begin(&service, "high");
    let low = begin(&service, "low");
    let waiting = begin(&service, "high");
    // Evicts the low one, which is rejected for its criticality.
    let other = begin(&service, "high");
    let refused = service.clone().oneshot(with_criticality("urgent")).await;
    assert_eq!(why(&refused), Some(Reason::LimitReached));
    let displaced = low.await;
    assert_eq!(why(&displaced), Some(Reason::CriticalityTooLow));

    let shadow = Shedder::new("shadow", config.mode(Mode::Shadow));
    let (shadowed, shadow_probe) = behind(&shadow);
    shadow_probe.hold();
    // One would be in flight and two would wait.
    let beyond = [(); 4].map(|()| begin(&shadowed, "high"));

    let seen = moves(snapshotter);
    for (series, value) in [
        ("in_flight api", 1.0),
        ("queue_length api", 2.0),
        ("limit api", 1.0),
        ("rejections_total api limit_reached", 1.0),
        ("rejections_total api criticality_too_low", 1.0),
        ("wait_seconds api", 1.0),
        ("in_flight shadow", 4.0),
        ("would_reject_total shadow limit_reached", 1.0),
    ] {
        let series = format!("buttress_shed_{series}");
        assert_eq!(seen.get(&series), Some(&value), "{series}: {seen:?}");
    }
    for metric in names::ALL
        .iter()
        .filter(|metric| metric.name.starts_with("buttress_shed_"))
    {
        let of = |(series, value): (&String, &f64)| {
            series.split(' ').next() == Some(metric.name) && *value > 0.0
        };
        assert!(seen.iter().any(of), "{} stood still", metric.name);
    }
    // A malformed value is counted once, also if more is read from the request than on the fast path.
    let malformed = "buttress_http_malformed_headers_total x-criticality";
    assert_eq!(seen.get(malformed), Some(&1.0), "{seen:?}");

    // K03 and B17 of tower-resilience: a gauge is not decremented for a cancelled call. Here only the limits remain.
    drop((inside, waiting, other, beyond));
    let seen = moves(snapshotter);
    for (gauge, by) in [
        ("in_flight api", -1.0),
        ("queue_length api", -2.0),
        ("in_flight shadow", -4.0),
    ] {
        let gauge = format!("buttress_shed_{gauge}");
        assert_eq!(seen[&gauge], by, "{gauge}");
    }
    shedder.reconfigure(ShedConfig::default().limit(7)).unwrap();
    assert_eq!(moves(snapshotter)["buttress_shed_limit api"], 6.0);
    drop((service, shedder, shadowed, shadow));
    assert_eq!(moves(snapshotter)["buttress_shed_limit api"], -7.0);
}

/// Every reason for which a shedder rejects is a label, and all are counted.
#[test]
fn every_reason_is_counted_with_its_label() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        run(async {
            let throttle = ThrottleConfig::default().floor(1);
            let pressure = PressureConfig::default().run_delay(HOUR, 2 * HOUR);
            let config = ShedConfig::default()
                .limit(1)
                .queue(1)
                .max_wait(MS)
                .pressure(pressure);
            let shedder = Shedder::new("api", config.clone());
            let (service, probe) = behind(&shedder);
            probe.hold();
            let inside = begin(&service, "high");
            let timed_out = service.clone().oneshot(with_criticality("high")).await;
            assert_eq!(why(&timed_out), Some(Reason::QueueTimeout));
            let mut late = with_criticality("high");
            let now = tokio::time::Instant::now().into_std();
            late.extensions_mut()
                .insert(Deadline::after(now, Duration::ZERO).unwrap());
            let too_late = service.clone().oneshot(late).await;
            assert_eq!(why(&too_late), Some(Reason::DeadlineTooShort));
            shedder.update_pressure(Pressure {
                run_delay: Some(HOUR),
                ..Pressure::default()
            });
            let pressed = service.clone().oneshot(with_criticality("low")).await;
            assert_eq!(why(&pressed), Some(Reason::ResourceExhausted));
            drop(inside);

            let client = Shedder::new("client", ShedConfig::default().throttle(throttle));
            let (inner, probe) = ReadyProbe::new();
            let service = ShedLayer::client(&client).layer(inner);
            let mut overloaded = Response::new(TestBody::empty());
            *overloaded.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            probe.script(Script::new().ok(overloaded));
            for _ in 0..20 {
                let _ = service.clone().oneshot(with_criticality("high")).await;
            }
            let seen = moves(&snapshotter);
            for (series, least) in [
                ("api queue_timeout", 1.0),
                ("api deadline_too_short", 1.0),
                ("api resource_exhausted", 1.0),
                ("client client_throttled", 5.0),
            ] {
                let series = format!("buttress_shed_rejections_total {series}");
                assert!(
                    seen.get(&series).is_some_and(|count| *count >= least),
                    "{series}"
                );
            }
            drop((shedder, client));
        });
    });
}

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);

type Shed = buttress::shed::ShedService<ReadyProbe, buttress::shed::Server>;
type Answer = Result<<Shed as Service<Request<TestBody>>>::Response, BoxError>;

fn behind(shedder: &Shedder) -> (Shed, buttress_testkit::ProbeHandle) {
    let (inner, probe) = ReadyProbe::new();
    (ShedLayer::server(shedder).layer(inner), probe)
}

fn with_criticality(criticality: &str) -> Request<TestBody> {
    let request = Request::get("/").header("x-criticality", criticality);
    request.body(TestBody::empty()).unwrap()
}

/// A call that is pending.
fn begin(service: &Shed, criticality: &str) -> Pin<Box<impl Future<Output = Answer> + use<>>> {
    let mut call = Box::pin(service.clone().oneshot(with_criticality(criticality)));
    let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    call
}

fn why(answer: &Answer) -> Option<Reason> {
    let error = answer.as_ref().err()?;
    Rejection::find(&**error).map(Rejection::reason)
}

/// The change of each series since the last read; for histograms, the number of recorded values.
fn moves(snapshotter: &Snapshotter) -> Seen {
    let series = snapshotter.snapshot().into_vec().into_iter();
    series
        .map(|(key, _, _, value)| {
            let key = key.key();
            let name = std::iter::once(key.name());
            let words: Vec<_> = name
                .chain(key.labels().map(|label| label.value()))
                .collect();
            let value = match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(level) => level.into_inner(),
                DebugValue::Histogram(samples) => samples.len() as f64,
            };
            (words.join(" "), value)
        })
        .collect()
}

fn run<F: Future>(future: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    runtime.unwrap().block_on(future)
}
