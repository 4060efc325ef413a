//! A successful call allocates nothing, except for a body that a deadline ends.
//!
//! A separate binary, because the allocator is global.
#![allow(clippy::unwrap_used)]

use std::alloc::System;
use std::borrow::Cow;
use std::convert::Infallible;
use std::future::{Future, Ready, poll_fn, ready};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use buttress::prelude::*;
use buttress::shed::{Caller, SharesConfig, TenantsConfig};
use buttress_core::TaskContext;
use bytes::Bytes;
use http::{HeaderName, Request, Response};
use http_body::Body;
use http_body_util::{Empty, Full};
use metrics_util::debugging::DebuggingRecorder;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::{Layer, Service, ServiceBuilder};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn the_counter_counts() {
    let _alone = alone();
    let allocations = allocations(|| drop(std::hint::black_box(Box::new(1))));
    assert_eq!(allocations, CALLS);
}

#[test]
fn a_breaker_allocates_nothing() {
    let _alone = alone();
    for mode in [Mode::Enforce, Mode::Off, Mode::Shadow] {
        for when in [WhenSaturated::Reject, WhenSaturated::Unready] {
            let layer = BreakerLayer::new(&breaker(mode)).when_saturated(when);
            assert_eq!(calls_through(layer), 0, "{mode:?}, {when:?}");
        }
    }
}

#[test]
fn a_breaker_over_http_allocates_nothing_to_the_end_of_the_body() {
    let _alone = alone();
    for mode in [Mode::Enforce, Mode::Off, Mode::Shadow] {
        let layer = BreakerLayer::client(&breaker(mode));
        assert_eq!(calls_through(layer), 0, "{mode:?}");
    }
}

#[test]
fn a_breaker_for_each_key_allocates_nothing_for_a_key_it_knows() {
    let _alone = alone();
    let breakers = Breakers::new("hosts", BreakersConfig::default());
    assert_eq!(calls_through(BreakerLayer::keyed(&breakers, host)), 0);
    assert_eq!(
        calls_through(BreakerLayer::keyed(&breakers, host).client()),
        0
    );
    assert_eq!(breakers.len(), 1);
}

/// Defect B15 of tower-resilience: a time window stores 24 bytes for each call, and scans all of them in each call.
#[test]
fn a_full_window_allocates_nothing() {
    let _alone = alone();
    for window in [
        Window::Time(std::time::Duration::from_secs(3600)),
        Window::Count(50_000),
    ] {
        let config = BreakerConfig::default().window(window);
        let breaker = Breaker::new("test", config);
        for _ in 0..50_000 / (CALLS * (ROUNDS + 1)) {
            assert_eq!(calls_through(BreakerLayer::client(&breaker)), 0);
        }
        assert!(breaker.snapshot().counts.calls > 49_000);
    }
}

#[test]
fn a_bulkhead_allocates_nothing_for_a_call_without_a_wait() {
    let _alone = alone();
    let half = Mode::EnforceFor(Ratio::HALF);
    for mode in [Mode::Enforce, Mode::Off, Mode::Shadow, half] {
        let bulkhead = Bulkhead::new("test", BulkheadConfig::default().mode(mode).queue(8));
        for when in [WhenSaturated::Reject, WhenSaturated::Unready] {
            let layer = BulkheadLayer::new(&bulkhead).when_saturated(when);
            assert_eq!(calls_through(layer), 0, "{mode:?}, {when:?}");
        }
        let http = BulkheadLayer::server(&bulkhead);
        assert_eq!(calls_through(http), 0, "{mode:?}");
        let headers = BulkheadLayer::server(&bulkhead).until(Until::Headers);
        assert_eq!(calls_through(headers), 0, "{mode:?}");
    }
}

/// Also if calls are counted by owner.
#[test]
fn a_shared_bulkhead_allocates_nothing_for_a_call_without_a_wait() {
    let _alone = alone();
    let shares = PartitionsConfig::default().share("somewhere", Ratio::HALF);
    let partitions = BulkheadConfig::default().partitions(shares);
    let tenants = BulkheadConfig::default().tenants(TenantsConfig::default());
    for config in [partitions, tenants] {
        let bulkhead = Bulkhead::new("test", config.queue(8));
        assert_eq!(calls_through(BulkheadLayer::new(&bulkhead).key(host)), 0);
        assert_eq!(calls_through(BulkheadLayer::server(&bulkhead).key(host)), 0);
    }
}

/// A million tenants, each of which takes a slot and releases it, in constant memory.
#[test]
fn a_bulkhead_counts_a_million_tenants_and_allocates_nothing() {
    use buttress_core::bulkhead::{Admission, Bulkhead};
    use buttress_core::queue::WaitParams;

    let _alone = alone();
    let config = BulkheadConfig::default().tenants(TenantsConfig::default());
    let now = tokio::time::Instant::now().into_std();
    let bulkhead = Bulkhead::with_seed(config, 7, now).unwrap();
    let mut tenant = [0_u8; 20];
    let mut call = |n: u32| {
        let text = {
            use std::io::Write;
            let mut rest = &mut tenant[..];
            write!(rest, "tenant {n}").unwrap();
            let left = rest.len();
            std::str::from_utf8(&tenant[..tenant.len() - left]).unwrap()
        };
        let admission = bulkhead.acquire_by(|| Some(text), || 0, WaitParams::default, || now);
        let Admission::Admitted { permit, .. } = admission else {
            panic!("a slot is free");
        };
        bulkhead.release(permit, || now);
    };
    call(0);
    let region = Region::new(ALLOCATOR);
    (1..1_000_000).for_each(&mut call);
    // The test harness allocates sometimes in the meantime, but not a million times.
    let allocations = region.change().allocations;
    assert!(allocations < 10_000, "{allocations}");
}

/// If rejections are not enforced, also beyond the limit.
#[test]
fn a_bulkhead_in_shadow_mode_allocates_nothing_beyond_its_limit() {
    let _alone = alone();
    let config = BulkheadConfig::default().limit(1).mode(Mode::Shadow);
    let bulkhead = Bulkhead::new("test", config);
    let hangs = tower::service_fn(|()| std::future::pending::<Result<(), Infallible>>());
    let mut hanging = BulkheadLayer::new(&bulkhead).layer(hangs);
    let _busy = [(); 3].map(|()| hanging.call(()));
    assert_eq!(calls_through(BulkheadLayer::server(&bulkhead)), 0);
    assert_eq!(bulkhead.snapshot().in_flight, 3);
}

#[test]
fn an_armed_injector_allocates_nothing_for_unaffected_calls() {
    let _alone = alone();
    let injector = Injector::new("test", InjectorConfig::default().kill_variable(None));
    let down = Fault::Answer(buttress::chaos::Answer::Status(503));
    let no_calls = PlannedFault::new("down", down).rate(Ratio::ZERO);
    injector.arm(Plan::new(7).fault(no_calls)).unwrap();
    assert_eq!(calls_through(ChaosLayer::new(&injector)), 0);
    assert_eq!(calls_through(ChaosLayer::client(&injector)), 0);
    assert!(injector.snapshot().calls > 0);
}

#[test]
fn an_injector_that_is_disarmed_allocates_nothing() {
    let _alone = alone();
    let injector = Injector::new("test", InjectorConfig::default());
    let assert_free = || {
        assert_eq!(calls_through(ChaosLayer::new(&injector)), 0);
        assert_eq!(calls_through(ChaosLayer::client(&injector)), 0);
    };
    assert_free();
    let armed = injector.arm_scoped(Plan::new(7)).unwrap();
    drop(armed);
    assert_free();
}

#[test]
fn the_problem_layer_allocates_nothing_for_a_successful_call() {
    let _alone = alone();
    assert_eq!(calls_through(ProblemLayer::default()), 0);
}

#[test]
fn a_deadline_that_is_met_allocates_nothing() {
    let _alone = alone();
    let config = DeadlineConfig::default().timeout(std::time::Duration::from_secs(1));
    for mode in [Mode::Enforce, Mode::Off, Mode::Shadow] {
        let config = config.mode(mode);
        assert_eq!(
            calls_through(DeadlineLayer::new(&Deadlines::new("test", config))),
            0,
            "{mode}"
        );
        let config = config.extension(false);
        let head = Deadlines::new("test", config.until(Until::Headers));
        let head = DeadlineLayer::server(&head);
        assert_eq!(calls_through(head), 0, "{mode}");
        let server = DeadlineLayer::server(&Deadlines::new("test", config));
        assert_eq!(calls_of(&server.layer(NoContent)), 0, "{mode}");
    }
    assert_eq!(
        calls_through(DeadlineLayer::server(&Deadlines::default())),
        0
    );
    assert_eq!(
        calls_through(DeadlineLayer::client(&Deadlines::default())),
        0
    );
}

/// The body, and the state it shares with its timer.
#[test]
fn a_body_with_a_deadline_allocates_twice() {
    let _alone = alone();
    let config = DeadlineConfig::default().extension(false);
    for config in [
        config.timeout(std::time::Duration::from_secs(1)),
        config.body_timeout(std::time::Duration::from_secs(1)),
        config.body_idle(std::time::Duration::from_secs(1)),
    ] {
        let server = DeadlineLayer::server(&Deadlines::new("test", config));
        assert_eq!(calls_through(server), 2 * CALLS, "{config:?}");
    }
}

#[test]
fn a_retry_and_a_hedge_allocate_nothing() {
    let _alone = alone();
    for mode in [Mode::Enforce, Mode::Off, Mode::Shadow] {
        let retry = Retry::new("test", RetryConfig::default().mode(mode));
        let hedge = Hedge::new("test", HedgeConfig::default().mode(mode));
        let service = ServiceBuilder::new()
            .layer(RetryLayer::new(&retry))
            .layer(HedgeLayer::new(&hedge))
            .service_fn(|n: u64| ready(Ok::<_, Infallible>(n)));
        let allocations = allocations(|| {
            let mut service = service.clone();
            let ready = at_once(poll_fn(|cx| Service::<u64>::poll_ready(&mut service, cx)));
            assert!(ready.is_ok());
            assert_eq!(at_once(service.call(7)).ok(), Some(7));
        });
        assert_eq!(allocations, 0, "{mode:?}");
    }
}

/// Sending a request consumes its headers, so they are copied before; an empty body costs nothing.
#[test]
fn a_retry_over_http_allocates_only_a_copy_of_the_head() {
    let _alone = alone();
    let request = || {
        let request = Request::get("http://somewhere/").header("x-request-id", "01JD");
        request.body(()).unwrap()
    };
    let mut requests: Vec<_> = std::iter::repeat_with(request)
        .take((ROUNDS + 1) * CALLS)
        .collect();
    let copies = allocations(|| drop(requests.pop().unwrap().into_parts().0.clone()));

    let retry = Retry::new("test", RetryConfig::default());
    let layer = ServiceBuilder::new()
        .map_request(replayable)
        .layer(RetryLayer::client(&retry))
        .map_request(|request: Request<ReplayBody<_>>| request.map(drop))
        .into_inner();
    assert_eq!(calls_through(layer), copies);
}

#[test]
fn a_shedder_allocates_nothing() {
    let _alone = alone();
    for mode in [Mode::Enforce, Mode::Off, Mode::Shadow] {
        let shedder = Shedder::new("test", ShedConfig::default().mode(mode));
        assert_eq!(calls_through(ShedLayer::new(&shedder)), 0, "{mode}");
        assert_eq!(calls_through(ShedLayer::client(&shedder)), 0, "{mode}");
        for criticality in ["high", "low", "critical", "urgent"] {
            for trust in [Trust::Always, Trust::Never, Trust::LowerOnly] {
                let layer = ShedLayer::server(&shedder).trust(trust);
                let allocated = calls_with_header(("x-criticality", criticality), layer);
                assert_eq!(allocated, 0, "{mode}, {criticality}, {trust:?}");
            }
        }
    }
}

/// With rules besides the free slots.
#[test]
fn a_shedder_with_shares_tenants_and_a_throttle_allocates_nothing() {
    let _alone = alone();
    let config = ShedConfig::default;
    for config in [
        config().shares(SharesConfig::default()),
        config().tenants(TenantsConfig::default()),
        config().throttle(ThrottleConfig::default()),
        config().mode(Mode::EnforceFor(Ratio::HALF)),
    ] {
        let shedder = Shedder::new("test", config.clone());
        let server = ShedLayer::server(&shedder).tenant_header(HeaderName::from_static("x-tenant"));
        assert_eq!(
            calls_with_header(("x-tenant", "one"), server),
            0,
            "{config:?}"
        );
        let by_call = ShedLayer::new(&shedder).caller(|_: &Request<()>| Caller {
            criticality: Some(Criticality::Medium),
            tenant: Some(7),
        });
        assert_eq!(calls_through(by_call), 0, "{config:?}");
        assert_eq!(calls_through(ShedLayer::client(&shedder)), 0, "{config:?}");
        assert_eq!(shedder.snapshot().in_flight, 0);
    }
}

/// A caller that invents a name for each call allocates nothing.
#[test]
fn a_million_tenants_allocate_nothing() {
    let _alone = alone();
    let config = ShedConfig::default().tenants(TenantsConfig::default());
    let shedder = Shedder::new("test", config);
    let layer = ShedLayer::new(&shedder).caller(|tenant: &u64| Caller {
        tenant: Some(*tenant),
        ..Caller::default()
    });
    let mut service = layer.layer(tower::service_fn(|_: u64| ready(Ok::<_, Infallible>(()))));
    let mut call = |tenant: u64| {
        assert!(at_once(poll_fn(|cx| Service::<u64>::poll_ready(&mut service, cx))).is_ok());
        assert!(at_once(service.call(tenant)).is_ok());
    };
    // What is allocated once and kept is not counted for a tenant.
    call(0);
    let mut tenants = 1..;
    let least = (0..4).map(|_| {
        let region = Region::new(ALLOCATOR);
        tenants.by_ref().take(250_000).for_each(&mut call);
        let change = region.change();
        change.allocations + change.reallocations
    });
    assert_eq!(least.min(), Some(0));
    assert_eq!(shedder.snapshot().in_flight, 0);
}

#[test]
fn a_client_that_sends_its_criticality_allocates_nothing() {
    let _alone = alone();
    let shedder = Shedder::new("test", ShedConfig::default());
    let mut context = TaskContext::default().with_criticality(Some(Criticality::Low));
    let allocated = context.enter(|| calls_through(ShedLayer::client(&shedder)));
    assert_eq!(allocated, 0);
}

#[test]
fn a_stack_allocates_nothing() {
    let _alone = alone();
    let stack = ServiceBuilder::new()
        .layer(ProblemLayer::default())
        .layer(BreakerLayer::client(&breaker(Mode::Enforce)))
        .into_inner();
    assert_eq!(calls_through(stack), 0);
}

#[test]
fn stacks_from_a_file_allocate_only_for_deadlines_of_bodies() {
    let _alone = alone();
    let text = "[server.api]\ndeadline = { timeout = '1 s', extension = false }\nshed = {}\nbulkhead = {}\n\
                [client.a]\ndeadline = {}\nshed = {}\nthrottle = {}\nbreaker = {}\nbulkhead = {}\nretry.mode = 'off'\n\
                [client.b]";
    let resilience = Resilience::from_toml(text).unwrap();
    for _ in 0..2 {
        assert_eq!(calls_through(resilience.server("api").unwrap()), 2 * CALLS);
        for client in ["a", "b"] {
            let layer = ServiceBuilder::new()
                .map_request(replayable)
                .layer(resilience.client(client).unwrap())
                .map_request(|request: Request<ReplayBody<_>>| request.map(drop))
                .into_inner();
            assert_eq!(calls_through(layer), 0, "{client}");
        }
        resilience.reload(text).unwrap();
    }

    // Services that are cloned from one of before the reload update themselves.
    let service = resilience.server("api").unwrap().layer(Answers);
    resilience.reload(text).unwrap();
    assert_eq!(calls_of(&service), 2 * CALLS);
}

#[test]
fn nothing_is_allocated_with_a_recorder() {
    let _alone = alone();
    let recorder = DebuggingRecorder::new();
    metrics::with_local_recorder(&recorder, || {
        let stack = ServiceBuilder::new()
            .layer(ProblemLayer::default())
            .layer(ShedLayer::server(&Shedder::new(
                "test",
                ShedConfig::default(),
            )))
            .layer(BreakerLayer::client(&breaker(Mode::Enforce)))
            .into_inner();
        assert_eq!(calls_through(stack), 0);
    });
}

fn replayable(request: Request<()>) -> Request<ReplayBody<Empty<Bytes>>> {
    request.map(|()| ReplayBody::new(Empty::new()))
}

fn host(request: &Request<()>) -> Cow<'_, str> {
    request.uri().host().unwrap_or_default().into()
}

fn breaker(mode: Mode) -> Breaker {
    Breaker::new("test", BreakerConfig::default().mode(mode))
}

/// The allocations of the calls through `layer`, each on a clone of the service, as in axum.
fn calls_through<L>(layer: L) -> usize
where
    L: Layer<Answers>,
    L::Service: Service<Request<()>> + Clone,
    <L::Service as Service<Request<()>>>::Response: Consume,
{
    calls_of(&layer.layer(Answers))
}

/// The same for requests with one more header.
fn calls_with_header<L>(header: (&str, &str), layer: L) -> usize
where
    L: Layer<Answers>,
    L::Service: Service<Request<()>> + Clone,
    <L::Service as Service<Request<()>>>::Response: Consume,
{
    calls_with(Some(header), &layer.layer(Answers))
}

/// The allocations of the calls of a service, each on a clone of it.
fn calls_of<S>(service: &S) -> usize
where
    S: Service<Request<()>> + Clone,
    S::Response: Consume,
{
    calls_with(None, service)
}

fn calls_with<S>(header: Option<(&str, &str)>, service: &S) -> usize
where
    S: Service<Request<()>> + Clone,
    S::Response: Consume,
{
    let mut requests: Vec<_> = std::iter::repeat_with(|| {
        let request = Request::get("http://somewhere/").header("x-request-id", "01JD");
        let request = match header {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        request.body(()).unwrap()
    })
    .take((ROUNDS + 1) * CALLS)
    .collect();
    allocations(|| {
        let mut service = service.clone();
        let request = requests.pop().unwrap();
        let ready = at_once(poll_fn(|cx| service.poll_ready(cx)));
        assert!(ready.is_ok());
        let answer = at_once(service.call(request));
        assert!(answer.is_ok_and(Consume::consume));
    })
}

/// One test at a time, because the counter is global.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The allocations of a number of calls: the minimum of several rounds, because the test harness allocates sometimes.
fn allocations(mut call: impl FnMut()) -> usize {
    // What is allocated once and kept is not counted for a call.
    (0..CALLS).for_each(|_| call());
    let round = |_| {
        let region = Region::new(ALLOCATOR);
        (0..CALLS).for_each(|_| call());
        let change = region.change();
        change.allocations + change.reallocations
    };
    (0..ROUNDS).map(round).min().unwrap_or(usize::MAX)
}

fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("no call is pending"),
    }
}

/// Responds at once, with a body.
#[derive(Clone)]
struct Answers;

impl Service<Request<()>> for Answers {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(Full::from("an answer"))))
    }
}

/// Responds at once, without a body.
#[derive(Clone)]
struct NoContent;

impl Service<Request<()>> for NoContent {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(Empty::new())))
    }
}

/// A response that is read to its end.
trait Consume {
    fn consume(self) -> bool;
}

impl<B: Body> Consume for Response<B> {
    fn consume(self) -> bool {
        let mut body = pin!(self.into_body());
        while !body.is_end_stream() {
            match at_once(poll_fn(|cx| body.as_mut().poll_frame(cx))) {
                Some(Ok(_)) => {}
                Some(Err(_)) => return false,
                None => break,
            }
        }
        true
    }
}

const CALLS: usize = 64;
const ROUNDS: usize = 8;
