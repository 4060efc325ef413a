//! Defects of other limits, each as it was reproduced. For a defect of tower, tower is tested too.

use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use buttress::prelude::*;
use buttress_testkit::{CountingWaker, Gate};
use http::{Request, StatusCode};
use tokio::sync::Semaphore;
use tower::limit::{ConcurrencyLimit, GlobalConcurrencyLimitLayer};
use tower::load_shed::LoadShed;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

/// A bulkhead with a service that responds once the gate is open.
fn bulkhead(limit: u32, queue: usize) -> Bulkhead {
    let config = BulkheadConfig::default().limit(limit).queue(queue);
    Bulkhead::new("test", config.max_wait(None))
}

fn gated(
    gate: &Gate,
) -> impl Service<(), Response = (), Error = Infallible, Future: Unpin> + Clone + use<> {
    let gate = gate.clone();
    service_fn(move |()| {
        let gate = gate.clone();
        Box::pin(async move {
            std::future::poll_fn(|cx| gate.poll(cx)).await;
            Ok(())
        })
    })
}

fn is_ready<S: Service<()>>(service: &mut S) -> bool {
    let polled = CountingWaker::new().poll(|cx| service.poll_ready(cx));
    matches!(polled, Poll::Ready(Ok(())))
}

/// Makes a call and polls it once.
fn ask<S: Service<()>>(service: &mut S) -> Poll<Result<S::Response, S::Error>> {
    assert!(is_ready(service));
    let mut call = Box::pin(service.call(()));
    let polled = CountingWaker::new().poll_future(call.as_mut());
    // The call continues, outside this test.
    std::mem::forget(call);
    polled
}

/// A call that is rejected, on a clone that is kept; then the only slot becomes free, and another clone calls.
fn admits_another_after_a_rejection<S>(service: S) -> bool
where
    S: Service<(), Error: std::fmt::Debug> + Clone,
{
    let [mut first, mut shed, mut other] = [service.clone(), service.clone(), service];
    assert!(is_ready(&mut first));
    let busy = first.call(());
    assert!(
        matches!(ask(&mut shed), Poll::Ready(Err(_))),
        "the limit is reached"
    );
    drop(busy);
    drop(first);
    !matches!(ask(&mut other), Poll::Ready(Err(_)))
}

/// tower's `LoadShed` over `ConcurrencyLimit`: the rejected clone is still in the queue, and is assigned a permit
/// that it does not use (vectordotdev/vector#26457).
#[test]
fn a_rejected_call_is_not_in_the_queue() {
    let never = service_fn(|()| pending::<Result<(), Infallible>>());
    let ours = BulkheadLayer::new(&bulkhead(1, 0)).layer(never);
    assert!(admits_another_after_a_rejection(ours));
    let towers = LoadShed::new(ConcurrencyLimit::new(never, 1));
    assert!(
        !admits_another_after_a_rejection(towers),
        "tower has fixed it"
    );
}

/// Whether another clone is ready while several clones are ready and idle, as keep-alive connections.
fn is_ready_beside_idle<S: Service<()> + Clone>(service: &S, idle: usize) -> bool {
    let mut idle = vec![service.clone(); idle];
    for clone in &mut idle {
        is_ready(clone);
    }
    is_ready(&mut service.clone())
}

/// tower's `GlobalConcurrencyLimit`: four idle connections that only called `poll_ready` block the fifth forever,
/// without a call in flight (tower#408, #434).
#[test]
fn idle_connections_take_no_slots() {
    let never = service_fn(|()| pending::<Result<(), Infallible>>());
    let ours = BulkheadLayer::new(&bulkhead(4, 0)).layer(never);
    assert!(is_ready_beside_idle(&ours, 4));
    assert!(ask(&mut ours.clone()).is_pending(), "the call is admitted");

    let permits = GlobalConcurrencyLimitLayer::with_semaphore(Arc::new(Semaphore::new(4)));
    let towers = permits.layer(never);
    assert!(!is_ready_beside_idle(&towers, 4), "tower has fixed it");
}

/// K01 of tower-resilience: a full bulkhead returns `Timeout`, which callers cannot distinguish from a timeout. Here
/// each rejection has its reason, and none is a 408.
#[tokio::test(start_paused = true)]
async fn a_full_bulkhead_and_a_queue_timeout_have_different_reasons() {
    let wait = std::time::Duration::from_millis(10);
    for (queue, reason, word) in [
        (0, Reason::BulkheadFull, "bulkhead_full"),
        (1, Reason::QueueTimeout, "queue_timeout"),
    ] {
        let config = BulkheadConfig::default()
            .limit(1)
            .queue(queue)
            .max_wait(wait);
        let bulkhead = Bulkhead::new("test", config);
        let plain = BulkheadLayer::new(&bulkhead).layer(gated(&Gate::new()));
        let mut first = plain.clone();
        let mut busy = pin!(first.ready().await.unwrap().call(()));
        assert!(CountingWaker::new().poll_future(busy.as_mut()).is_pending());

        let error = plain.oneshot(()).await.unwrap_err();
        let rejection = Rejection::find(&*error).unwrap();
        assert_eq!((rejection.reason(), rejection.layer()), (reason, "test"));

        let answered = service_fn(|_: Request<String>| async {
            Ok::<_, Infallible>(http::Response::new(String::new()))
        });
        let http = ServiceBuilder::new()
            .layer(ProblemLayer::default())
            .layer(BulkheadLayer::server(&bulkhead))
            .service(answered);
        let Ok(response) = http.oneshot(Request::new(String::new())).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let body = http_body_util::BodyExt::collect(response.into_body());
        let body: serde_json::Value =
            serde_json::from_slice(&body.await.unwrap().to_bytes()).unwrap();
        assert_eq!(body["reason"], word);
    }
}

/// P05 and K02 of tower-resilience: a rejection uses a timer of zero length, so it takes a millisecond, and panics in
/// a runtime without timers.
#[test]
fn a_rejection_is_immediate_and_needs_no_timer() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let _without_timers = runtime.enter();
    let service = BulkheadLayer::new(&bulkhead(1, 0)).layer(gated(&Gate::new()));
    assert!(ask(&mut service.clone()).is_pending());
    for _ in 0..1_000 {
        assert!(matches!(ask(&mut service.clone()), Poll::Ready(Err(_))));
    }
}

/// K05 of tower-resilience: its default queue is unbounded, and waiters keep the inner service's readiness, so a
/// waiter takes a slot of an inner limit.
#[test]
fn a_waiter_takes_no_slot_of_an_inner_limit() {
    assert!(
        matches!(
            {
                let config = BulkheadConfig::default().limit(1);
                let service = BulkheadLayer::new(&Bulkhead::new("default", config))
                    .layer(gated(&Gate::new()));
                assert!(ask(&mut service.clone()).is_pending());
                ask(&mut service.clone())
            },
            Poll::Ready(Err(_))
        ),
        "by default no call waits"
    );

    let permits = Arc::new(Semaphore::new(2));
    let inner = GlobalConcurrencyLimitLayer::with_semaphore(Arc::clone(&permits))
        .layer(gated(&Gate::new()));
    let service = BulkheadLayer::new(&bulkhead(1, 8)).layer(inner);
    let task = CountingWaker::new();
    let mut calls: Vec<_> = std::iter::repeat_with(|| {
        let mut service = service.clone();
        assert!(is_ready(&mut service));
        let mut call = Box::pin(service.call(()));
        assert!(task.poll_future(call.as_mut()).is_pending());
        (service, call)
    })
    .take(4)
    .collect();
    assert_eq!(permits.available_permits(), 1, "one call is in flight");
    // Nor does one that is admitted later take two.
    drop(calls.remove(0));
    assert!(task.poll_future(calls[0].1.as_mut()).is_pending());
    assert_eq!(permits.available_permits(), 1);
}

/// linkerd2-proxy#751: a permit that is released with the drop of the future is held after the response if the future
/// is kept, as in `select!` and `join!`.
#[test]
fn the_slot_is_released_with_the_response_and_not_with_the_future() {
    let bulkhead = bulkhead(1, 0);
    let gate = Gate::new();
    let mut service = BulkheadLayer::new(&bulkhead).layer(gated(&gate));
    assert!(is_ready(&mut service));
    let mut call = pin!(service.call(()));
    let task = CountingWaker::new();
    assert!(task.poll_future(call.as_mut()).is_pending());
    assert_eq!(bulkhead.snapshot().in_flight, 1);
    gate.open();
    assert!(task.poll_future(call.as_mut()).is_ready());
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

/// tower-resilience#365 and #387: a limit that is compared first and counted later admits all concurrent checks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_checks_are_admitted_only_up_to_the_limit() {
    let bulkhead = bulkhead(5, 0);
    let gauge = buttress_testkit::Gauge::default();
    let inside = gauge.clone();
    let service = BulkheadLayer::new(&bulkhead).layer(service_fn(move |()| {
        let here = inside.enter();
        async move {
            tokio::task::yield_now().await;
            drop(here);
            Ok::<_, Infallible>(())
        }
    }));
    let calls: Vec<_> = (0..5_000)
        .map(|_| tokio::spawn(service.clone().oneshot(())))
        .collect();
    let mut answered = 0;
    for call in calls {
        answered += usize::from(call.await.unwrap().is_ok());
    }
    assert!(gauge.peak() <= 5, "{} at once", gauge.peak());
    assert_eq!(gauge.total(), answered);
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}
