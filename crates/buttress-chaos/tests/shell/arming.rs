use std::panic::{AssertUnwindSafe, catch_unwind};

use buttress_chaos::{Answer, ArmError, Bounds, Fault, Plan, PlannedFault, Ratio, Trigger};
use http::{Request, StatusCode};
use tower::ServiceExt;

use crate::support::{answer, call, greeter, injector};

#[tokio::test(start_paused = true)]
async fn it_is_disarmed_before_and_after_a_plan() {
    let injector = injector();
    let service = greeter(&injector);
    assert!(call(&service).await.unwrap().status().is_success());
    injector.arm(answer(Answer::Status(500))).unwrap();
    assert!(injector.is_armed());
    assert!(call(&service).await.unwrap().status().is_server_error());
    injector.disarm();
    assert!(!injector.is_armed());
    assert!(call(&service).await.unwrap().status().is_success());
}

#[tokio::test(start_paused = true)]
async fn one_plan_at_a_time() {
    let injector = injector();
    injector.arm(answer(Answer::Status(500))).unwrap();
    let other = injector.arm(answer(Answer::Status(503)));
    assert_eq!(other, Err(ArmError::AlreadyArmed));
    injector.disarm();
    assert_eq!(injector.arm(answer(Answer::Status(503))), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn an_invalid_plan_is_rejected() {
    let injector = injector();
    let error = injector.arm(answer(Answer::Status(42))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the plan is invalid: fault \"fault\": status is 42, but must be from 400 to 599"
    );
    assert!(!injector.is_armed());
}

#[tokio::test(start_paused = true)]
async fn a_scope_disarms_when_it_is_dropped_also_by_a_panic() {
    let injector = injector();
    drop(injector.arm_scoped(answer(Answer::Error)).unwrap());
    assert!(!injector.is_armed());

    let scope = AssertUnwindSafe(|| {
        let _armed = injector.arm_scoped(answer(Answer::Error)).unwrap();
        panic!("in the middle");
    });
    assert!(catch_unwind(scope).is_err());
    assert!(!injector.is_armed());
}

#[tokio::test(start_paused = true)]
async fn a_scope_does_not_disarm_a_later_plan() {
    let injector = injector();
    let short = Bounds::default().ttl(crate::support::SECOND);
    let scope = injector
        .arm_scoped(answer(Answer::Error).bounds(short))
        .unwrap();
    tokio::time::advance(2 * crate::support::SECOND).await;
    injector.arm(answer(Answer::Error)).unwrap();
    drop(scope);
    assert!(injector.is_armed());
}

#[tokio::test(start_paused = true)]
async fn the_same_requests_are_affected_in_any_order_and_by_any_service() {
    let plan = || {
        let down = PlannedFault::new("down", Fault::Answer(Answer::Status(503)));
        Plan::new(11).fault(down.rate(Ratio::percent(30)))
    };
    let mut runs = Vec::new();
    for order in [1, 7, 13] {
        let injector = injector();
        let services = [greeter(&injector), greeter(&injector)];
        injector.arm(plan()).unwrap();
        let mut hit = vec![false; 100];
        for n in (0..100).map(|n| (n * order) % 100) {
            let request = Request::builder().header("x-request-id", format!("r-{n}"));
            let request = request.body(()).unwrap();
            let service = services[n % 2].clone();
            let response = service.oneshot(request).await.unwrap();
            hit[n] = response.status() == StatusCode::SERVICE_UNAVAILABLE;
        }
        runs.push(hit);
    }
    assert!(runs[0].contains(&true) && runs[0].contains(&false));
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0], runs[2]);
}

#[tokio::test(start_paused = true)]
async fn requests_without_an_identity_are_affected_by_their_number() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let injector = injector();
        let service = greeter(&injector);
        let down = PlannedFault::new("down", Fault::Answer(Answer::Status(503)));
        let plan = Plan::new(3).fault(down.rate(Ratio::HALF));
        injector.arm(plan).unwrap();
        let mut hit = Vec::new();
        for _ in 0..50 {
            hit.push(call(&service).await.unwrap().status());
        }
        runs.push(hit);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test(start_paused = true)]
async fn a_request_may_trigger_a_fault_that_the_plan_allows() {
    let injector = injector();
    let service = greeter(&injector);
    let down = PlannedFault::new("down", Fault::Answer(Answer::Status(503)));
    injector
        .arm(Plan::new(3).fault(down.trigger(Trigger::Header)))
        .unwrap();
    assert!(call(&service).await.unwrap().status().is_success());
    for (asked, status) in [("down", 503), ("up", 200)] {
        let request = Request::builder().header("x-buttress-chaos", asked);
        let response = service.clone().oneshot(request.body(()).unwrap()).await;
        assert_eq!(response.unwrap().status(), status);
    }
}

/// Two hops have an injector each, with the same plan: a request that is affected at one is affected at the other, by
/// its request id or by its trace id. Every hop has its own span.
#[tokio::test(start_paused = true)]
async fn the_same_request_has_the_same_fault_on_every_hop() {
    let plan = || {
        let down = PlannedFault::new("down", Fault::Answer(Answer::Status(503)));
        Plan::new(11).fault(down.rate(Ratio::percent(30)))
    };
    for by_trace in [false, true] {
        let mut hit = [0, 0];
        let hops = [injector(), injector()];
        let services = hops.each_ref().map(greeter);
        hops.iter().for_each(|hop| hop.arm(plan()).unwrap());
        // The second hop also has other calls, so its numbers of calls differ.
        call(&services[1]).await.unwrap();
        for n in 0..200 {
            let mut statuses = Vec::new();
            for (hop, service) in services.iter().enumerate() {
                let request = if by_trace {
                    let trace = format!("00-{:032x}-{:016x}-01", n + 1, hop + 1);
                    Request::builder().header("traceparent", trace)
                } else {
                    Request::builder().header("x-request-id", format!("r-{n}"))
                };
                let response = service.clone().oneshot(request.body(()).unwrap()).await;
                statuses.push(response.unwrap().status());
            }
            assert_eq!(statuses[0], statuses[1], "{n}, by trace: {by_trace}");
            hit[usize::from(statuses[0].is_server_error())] += 1;
        }
        assert!(hit[0] > 100 && hit[1] > 30, "{hit:?}");
    }
}

/// Whatever a header requests, the bounds of the plan apply.
#[tokio::test(start_paused = true)]
async fn a_header_does_not_exceed_the_bounds() {
    let injector = injector();
    let service = greeter(&injector);
    let hang = PlannedFault::new("hang", Fault::Answer(Answer::Hang)).trigger(Trigger::Header);
    let bounds = Bounds::default().max_active(2).blast_radius(Ratio::HALF);
    injector
        .arm(Plan::new(3).fault(hang).bounds(bounds))
        .unwrap();
    let mut calls = Vec::new();
    for asked in [
        "hang",
        "hang;100%",
        "hang,hang",
        "hang;100%, hang;100%",
        "down",
        "panic",
        "hang",
    ] {
        let request = Request::builder().header("x-buttress-chaos", asked);
        let call = service.clone().oneshot(request.body(()).unwrap());
        calls.push(tokio::spawn(call));
        tokio::task::yield_now().await;
        let snapshot = injector.snapshot();
        assert!(snapshot.active <= 2, "{asked}: {snapshot:?}");
        assert!(
            2 * snapshot.affected <= snapshot.calls,
            "{asked}: {snapshot:?}"
        );
    }
    assert_eq!(injector.snapshot().affected, 2);
    injector.disarm();
}
