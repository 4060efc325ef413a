use std::time::Duration;

use ::http::{Response, StatusCode};
use buttress_core::{Deadline, Ending, Pressure, Ratio, Reason, TaskContext};
use buttress_shed::{
    Criticality, LimitConfig, Order, PressureConfig, SharesConfig, ShedConfig, ShedLayer, Shedder,
    TenantsConfig, ThrottleConfig,
};
use buttress_testkit::{ReadyProbe, Script, TestBody};
use tower::{Layer, ServiceExt};

use crate::support::{begin, behind, call, reason, request, shedder, slow, with_criticality};

#[tokio::test(start_paused = true)]
async fn a_call_over_http_can_hold_its_slot_to_the_end_of_its_body() {
    let shedder = shedder(1, 0);
    let (inner, probe) = ReadyProbe::new();
    let layer = ShedLayer::server(&shedder).until(buttress_http::Until::BodyEnd);
    let service = layer.layer(inner);
    let body = TestBody::empty().data("a").data("b");
    probe.script(Script::new().ok(Response::new(body)));
    let response = call(&service, request()).await.unwrap();
    assert_eq!(shedder.snapshot().in_flight, 1);
    let second = call(&service, request()).await;
    assert_eq!(reason(&second), Some(Reason::LimitReached));
    drop(response);
    assert_eq!(shedder.snapshot().in_flight, 0);
    call(&service, request()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_is_rejected_in_time() {
    let shedder = shedder(1, 1);
    let (service, probe) = behind(&shedder);
    probe.script(slow(1_000));
    let inside = begin(&service, request());
    let start = tokio::time::Instant::now();
    let waited = call(&service, request()).await;
    assert_eq!(reason(&waited), Some(Reason::QueueTimeout));
    let took = start.elapsed();
    assert!((125..=127).contains(&took.as_millis()), "{took:?}");
    drop(inside);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_deadline_ends_the_wait() {
    let shedder = shedder(1, 1);
    let (service, probe) = behind(&shedder);
    probe.script(slow(1_000));
    let inside = begin(&service, request());
    let now = tokio::time::Instant::now().into_std();
    let deadline = Deadline::after(now, Duration::from_millis(20));
    let mut context = TaskContext::default().with_deadline(deadline);
    let waiting = context.enter(|| begin(&service, request()));
    let waited = waiting.await;
    assert_eq!(reason(&waited), Some(Reason::DeadlineTooShort));
    drop(inside);
}

#[tokio::test(start_paused = true)]
async fn a_dependency_that_rejects_is_sent_less() {
    let config = ShedConfig::default()
        .no_limit()
        .queue(0)
        .throttle(ThrottleConfig::default());
    let shedder = Shedder::new("test", config);
    let (inner, probe) = ReadyProbe::new();
    let service = ShedLayer::client(&shedder).layer(inner);
    let mut overloaded = Response::new(TestBody::empty());
    *overloaded.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    probe.script(Script::new().ok(overloaded));
    let mut throttled = 0;
    for _ in 0..1_000 {
        let result = call(&service, request()).await;
        throttled += u32::from(reason(&result) == Some(Reason::ClientThrottled));
    }
    assert_eq!(throttled, 949);
}

/// T5: a tenth of the calls have a timeout of a millisecond, and get 504.
#[tokio::test(start_paused = true)]
async fn timeouts_requested_by_callers_do_not_lower_the_limit() {
    for (given, is_lowered) in [("1m", false), ("10S", true)] {
        let shedder = Shedder::new("test", ShedConfig::default());
        let service = ShedLayer::server(&shedder).layer(tower::service_fn(
            |request: ::http::Request<TestBody>| async move {
                let mut response = Response::new(TestBody::empty());
                if request.headers().contains_key("grpc-timeout") {
                    *response.status_mut() = StatusCode::GATEWAY_TIMEOUT;
                } else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Ok::<_, buttress_core::BoxError>(response)
            },
        ));
        for _ in 0..200 {
            let calls = (0..10).map(|number| {
                let mut request = request();
                if number % 2 == 0 {
                    let given = given.parse().expect("a valid header value");
                    request.headers_mut().insert("grpc-timeout", given);
                }
                service.clone().oneshot(request)
            });
            let calls: tokio::task::JoinSet<_> = calls.collect();
            calls.join_all().await;
        }
        assert_eq!(shedder.snapshot().limit.limit < 20, is_lowered, "{given}");
    }
}

#[tokio::test(start_paused = true)]
async fn under_memory_pressure_only_critical_calls_are_admitted() {
    let pressure = PressureConfig::default().memory(Ratio::percent(98), Ratio::percent(99));
    let shedder = Shedder::new("test", ShedConfig::default().pressure(pressure));
    let (service, _probe) = behind(&shedder);
    // The first call of a thread stores its waiting time, the second measures the real memory, and the next
    // measurement is some time away.
    for _ in 0..2 {
        call(&service, request()).await.unwrap();
    }
    shedder.update_pressure(Pressure {
        memory: Some(Ratio::percent(98)),
        ..Pressure::default()
    });
    assert_eq!(shedder.snapshot().least, Criticality::Medium);
    let low = call(&service, with_criticality("low")).await;
    assert_eq!(reason(&low), Some(Reason::ResourceExhausted));
    call(&service, request()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_rejection_has_a_retry_after_with_jitter() {
    let shedder = shedder(1, 0);
    let (service, probe) = behind(&shedder);
    for _ in 0..100 {
        tokio::time::advance(Duration::from_millis(10)).await;
        call(&service, request()).await.unwrap();
    }
    probe.script(slow(1_000));
    let inside = begin(&service, request());
    let mut hints = Vec::new();
    for _ in 0..100 {
        let error = call(&service, request()).await.unwrap_err();
        let rejection = buttress_core::Rejection::find(&*error).unwrap();
        hints.push(rejection.retry_after().unwrap());
    }
    assert!(hints.iter().all(|hint| *hint < Duration::from_secs(2)));
    let late = hints
        .iter()
        .filter(|hint| **hint > Duration::from_millis(500));
    assert!((20..=80).contains(&late.count()));
    drop(inside);
}

#[test]
fn an_invalid_configuration_is_rejected_with_name_value_and_bound() {
    let config = ShedConfig::default;
    let guarded = LimitConfig::guarded;
    let hours = |hours: u64| Duration::from_secs(3_600 * hours);
    let over = SharesConfig::default().share(Criticality::High, Ratio::percent(90));
    let nothing = Criticality::ALL
        .into_iter()
        .fold(SharesConfig::default(), |shares, of| {
            shares.share(of, Ratio::ZERO)
        });
    let tenants = TenantsConfig::default;
    let throttle = ThrottleConfig::default;
    let pressure = PressureConfig::default;
    for (config, told) in [
        (
            config().limit(0),
            "limit is 0, but must be from 1 to 1000000",
        ),
        (
            config().limit(u32::MAX),
            "limit is 4294967295, but must be from 1 to 1000000",
        ),
        (
            config().limit(guarded().min(0)),
            "limit.min is 0, but must be at least 1",
        ),
        (
            config().limit(guarded().initial(1)),
            "limit.initial is 1, but must be from 2 (min) to 10000 (max)",
        ),
        (
            config().limit(LimitConfig::aimd(Duration::ZERO)),
            "limit.timeout is 0ns, but must be above 0s",
        ),
        // The memory of a million waiting calls is more than a machine has.
        (
            config().queue(1_000_001),
            "queue is 1000001, but must be at most 1000000",
        ),
        (
            config().max_wait(Duration::ZERO),
            "max_wait is 0s, but must be above 0s",
        ),
        (
            config().order(Order::AdaptiveLifo {
                congested_after: Duration::ZERO,
            }),
            "congested_after is 0s, but must be above 0s",
        ),
        (
            config().shares(over),
            "shares is 110% in all, but must be above 0% and at most 100%",
        ),
        (
            config().shares(nothing),
            "shares is 0% in all, but must be above 0% and at most 100%",
        ),
        (
            config().shares(SharesConfig::default().reservation_ttl(hours(1))),
            "shares.reservation_ttl is 3600s, but must be from 10ms to 60s",
        ),
        (
            config().tenants(tenants().buckets(u32::MAX)),
            "tenants.buckets is 4294967295, but must be from 64 to 65536",
        ),
        (
            config().tenants(tenants().borrow_factor(f64::NAN)),
            "tenants.borrow_factor is NaN, but must be from 0 to 100",
        ),
        (
            config().throttle(throttle().multiplier(1.0)),
            "throttle.multiplier is 1, but must be above 1 and at most 100",
        ),
        (
            config().throttle(throttle().window(hours(2))),
            "throttle.window is 7200s, but must be from 100ms to 1h",
        ),
        (
            config().throttle(throttle().floor(0)),
            "throttle.floor is 0, but must be at least 1",
        ),
        (
            config().pressure(pressure().memory(Ratio::ONE, Ratio::HALF)),
            "pressure.memory is 100% to 50%, but must be above 0, and the second no less than the first",
        ),
    ] {
        let error = Shedder::try_new("test", config.clone()).unwrap_err();
        assert_eq!(error.to_string(), told);
        // Nor by an operator: the shedder keeps its configuration.
        let shedder = shedder(3, 0);
        let before = shedder.config();
        shedder.reconfigure(config).unwrap_err();
        assert_eq!(shedder.config(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_lowered_below_the_calls_in_flight_admits_none_until_enough_have_ended() {
    let shedder = shedder(3, 0);
    let (service, probe) = behind(&shedder);
    probe.script(slow(1_000));
    let mut inside: Vec<_> = (0..3).map(|_| begin(&service, request())).collect();
    shedder
        .reconfigure(ShedConfig::default().limit(1).queue(0))
        .unwrap();
    for left in [3, 2, 1] {
        assert_eq!(shedder.snapshot().in_flight, left);
        let refused = call(&service, request()).await;
        assert_eq!(reason(&refused), Some(Reason::LimitReached));
        inside.pop();
    }
    let admitted = begin(&service, request());
    assert_eq!(shedder.snapshot().in_flight, 1);
    drop(admitted);
}

/// Netflix#137: if every call ends at its timeout, that looks like the latency of calls, and nothing lowers the
/// limit.
#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_lowers_the_limit_until_it_recovers() {
    let limit = LimitConfig::aimd(Duration::from_secs(1)).initial(20);
    let shedder = Shedder::new("test", ShedConfig::default().limit(limit).queue(0));
    let (service, probe) = behind(&shedder);
    let calls = async |patience: Duration| {
        for _ in 0..60 {
            let limit = shedder.snapshot().limit.limit;
            let inside: Vec<_> = (0..limit).map(|_| begin(&service, request())).collect();
            tokio::time::advance(patience).await;
            probe.let_go();
            for call in inside {
                if patience < Duration::from_millis(100) {
                    call.await.unwrap();
                } else {
                    Ending::Expired.during(|| drop(call));
                }
            }
            probe.hold();
        }
        shedder.snapshot().limit.limit
    };
    probe.hold();
    let well = calls(Duration::from_millis(10)).await;
    assert!(well > 20, "{well}");
    assert_eq!(calls(Duration::from_millis(100)).await, 2);
    let again = calls(Duration::from_millis(10)).await;
    assert!(again > 5, "{again}");
}
