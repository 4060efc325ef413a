use std::convert::Infallible;
use std::time::Duration;

use buttress_chaos::{
    Answer, ArmError, ChaosLayer, Fault, Measure, Plan, PlannedFault, Ratio, SteadyStateConfig,
    Target,
};
use buttress_testkit::TestBody;
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, service_fn};

use crate::support::{SECOND, answer, call, delay, greeter, injector};

fn few_failures() -> SteadyStateConfig {
    SteadyStateConfig::default().failure_ratio(Ratio::percent(10))
}

#[tokio::test(start_paused = true)]
async fn a_breach_of_the_steady_state_disarms() {
    let injector = injector();
    let service = greeter(&injector);
    injector
        .arm(answer(Answer::Status(500)).guard(few_failures()))
        .unwrap();
    let mut failed = 0;
    for _ in 0..100 {
        failed += u32::from(call(&service).await.unwrap().status().is_server_error());
    }
    // The minimum number of calls of the guard.
    assert_eq!(failed, 20);
    assert!(!injector.is_armed());
}

#[tokio::test(start_paused = true)]
async fn latency_is_a_breach_too() {
    let injector = injector();
    let service = greeter(&injector);
    let fast = SteadyStateConfig::default().latency(Ratio::percent(95), Duration::from_millis(100));
    injector.arm(delay(SECOND / 5).guard(fast)).unwrap();
    for _ in 0..20 {
        call(&service).await.unwrap();
    }
    assert!(!injector.is_armed());
}

/// With an objective of 99 %, a tenth of failed calls is ten times the allowed ratio.
#[tokio::test(start_paused = true)]
async fn an_error_budget_that_burns_too_fast_is_a_breach_too() {
    let stands_at = async |percent| {
        let injector = injector();
        let service = greeter(&injector);
        let burn = SteadyStateConfig::default().burn_rate(Ratio::percent(99), 10.0);
        let down = PlannedFault::new("down", Fault::Answer(Answer::Status(500)));
        let plan = Plan::new(7).fault(down.rate(Ratio::percent(percent)));
        injector.arm(plan.guard(burn)).unwrap();
        for _ in 0..1_000 {
            call(&service).await.unwrap();
        }
        injector.is_armed()
    };
    assert!(stands_at(2).await);
    assert!(!stands_at(30).await);
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_is_broken_before_the_start_rejects_the_plan() {
    let injector = injector();
    injector.watch(few_failures()).unwrap();
    assert!(!injector.is_armed());
    for _ in 0..20 {
        injector.observe(true, SECOND);
    }
    let plan = answer(Answer::Status(500)).guard(few_failures());
    match injector.arm(plan.clone()).unwrap_err() {
        ArmError::Breached(breach) => assert_eq!(breach.measure, Measure::FailureRatio),
        other => panic!("{other}"),
    }
    // When the steady state has held for the guard's window, the plan may start.
    tokio::time::advance(11 * SECOND).await;
    assert_eq!(injector.arm(plan), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn affected_calls_that_are_cancelled_breach_the_steady_state() {
    let injector = injector();
    let service = greeter(&injector);
    injector
        .arm(answer(Answer::Hang).guard(few_failures()))
        .unwrap();
    for _ in 0..20 {
        assert!(
            tokio::time::timeout(SECOND / 10, call(&service))
                .await
                .is_err()
        );
    }
    assert!(!injector.is_armed());
}

/// Whether a plan stays armed after twenty responses with this body, `read` of which were read to their end.
async fn congested_after(content_type: &'static str, body: fn() -> TestBody, read: usize) -> bool {
    let injector = injector();
    let service =
        ChaosLayer::client(&injector).layer(service_fn(move |_: Request<()>| async move {
            let response = Response::builder().header("content-type", content_type);
            Ok::<_, Infallible>(response.body(body()).expect("valid"))
        }));
    let elsewhere = PlannedFault::new("elsewhere", Fault::Answer(Answer::Error))
        .target(Target::default().methods(["DELETE"]));
    let plan = Plan::new(7).fault(elsewhere).guard(few_failures());
    injector.arm(plan).expect("valid");
    for at in 0..20 {
        let body = call(&service).await.expect("answers").into_body();
        if at < read {
            let _ = body.collect().await;
        }
    }
    injector.is_armed()
}

#[tokio::test(start_paused = true)]
async fn bodies_without_a_fault_are_recorded_to_their_end() {
    let whole = || TestBody::empty().data("hello");
    let broken = || TestBody::empty().data("hel").declare(5).err("reset");
    assert!(congested_after("text/plain", whole, 20).await);
    assert!(!congested_after("text/plain", broken, 20).await);
    // If no body is read, the outcome of the head counts.
    assert!(congested_after("text/plain", broken, 0).await);
}

#[tokio::test(start_paused = true)]
async fn the_trailers_of_a_grpc_call_are_recorded_for_the_guard() {
    let well = || TestBody::empty().data("reply").trailer("grpc-status", "0");
    let down = || TestBody::empty().data("reply").trailer("grpc-status", "14");
    assert!(congested_after("application/grpc", well, 20).await);
    assert!(!congested_after("application/grpc", down, 20).await);
}
