use ::http::Response;
use buttress_core::budget::BudgetConfig;
use buttress_retry::{Retry, RetryBudget, RetryStopped, StopReason};
use buttress_testkit::{CountingWaker, Script, TestBody};
use http_body_util::BodyExt;

use crate::support::{WAIT, answer, behind, call, config, failure, get};

/// Only successes deposit: a fifth of an attempt each.
fn deposits() -> BudgetConfig {
    BudgetConfig::default()
        .floor_ratio(0.0)
        .in_flight_share(None)
}

#[tokio::test(start_paused = true)]
async fn an_empty_budget_returns_the_failure() {
    let (service, probe) = behind(&Retry::new("test", config().budget(deposits())));
    probe.script(failure());
    let error = call(&service, get()).await.unwrap_err();
    assert_eq!(error.to_string(), "scripted failure");
    let stopped = RetryStopped::find(&*error).unwrap();
    assert_eq!(
        (stopped.reason(), stopped.attempts()),
        (StopReason::BudgetEmpty, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn five_successes_pay_for_one_retry() {
    let retry = Retry::new("test", config().budget(deposits()));
    let (service, probe) = behind(&retry);
    for _ in 0..5 {
        call(&service, get()).await.unwrap();
    }
    probe.script(failure());
    call(&service, get()).await.unwrap_err();
    assert_eq!(probe.calls(), 5 + 2);
    assert!(retry.shared_budget().snapshot().balance < 1e-6);
}

#[tokio::test(start_paused = true)]
async fn a_success_deposits_when_its_body_has_ended() {
    let retry = Retry::new("test", config().budget(deposits().ratio(1.0)));
    let (service, probe) = behind(&retry);
    let balance = || retry.shared_budget().snapshot().balance.round();
    let body = || TestBody::empty().data("x").pending().data("y").declare(9);
    probe.script(Script::new().ok(Response::new(body())));

    let response = call(&service, get()).await.unwrap();
    assert_eq!(
        (balance(), retry.shared_budget().snapshot().calls_in_flight),
        (0.0, 1)
    );
    // It ends before its content length: no success.
    let _ = response.into_body().collect().await;
    assert_eq!(
        (balance(), retry.shared_budget().snapshot().calls_in_flight),
        (0.0, 0)
    );

    probe.script(answer(200, &[]));
    call(&service, get()).await.unwrap();
    assert_eq!(balance(), 1.0);
}

/// Defect R04 of tower-resilience: ten callers cancelled during their backoff, and ten tokens were lost.
#[tokio::test(start_paused = true)]
async fn a_call_dropped_during_the_wait_returns_its_reservation() {
    let budget = BudgetConfig::default()
        .floor_ratio(0.0)
        .floor_per_second(3)
        .in_flight_share(None);
    let retry = Retry::new("test", config().budget(budget));
    let (service, probe) = behind(&retry);
    probe.script(failure());
    let before = retry.shared_budget().snapshot();
    for _ in 0..10 {
        let mut future = Box::pin(call(&service, get()));
        assert!(
            CountingWaker::new()
                .poll_future(future.as_mut())
                .is_pending()
        );
        let during = retry.shared_budget().snapshot();
        assert_eq!(during.extra_in_flight, 1);
        assert!(during.balance < before.balance);
        drop(future);
        let after = retry.shared_budget().snapshot();
        assert_eq!((after.balance, after.extra_in_flight), (before.balance, 0));
    }
    assert_eq!(probe.calls(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_a_timeout_costs_more() {
    let budget = deposits().ratio(1.0);
    let retry = Retry::new("test", config().budget(budget).attempt_timeout(WAIT));
    let (service, probe) = behind(&retry);
    for _ in 0..3 {
        call(&service, get()).await.unwrap();
    }
    probe.script(Script::new());
    call(&service, get()).await.unwrap_err();
    assert_eq!(probe.calls(), 3 + 2);
}

#[tokio::test(start_paused = true)]
async fn a_shared_budget_is_one_budget() {
    let shared = RetryBudget::new("shared", deposits().ratio(1.0));
    let one = Retry::new("one", config()).budget(&shared);
    let other = Retry::new("other", config()).budget(&shared);
    let ((earns, _), (spends, probe)) = (behind(&one), behind(&other));
    call(&earns, get()).await.unwrap();
    probe.script(failure());
    call(&spends, get()).await.unwrap_err();
    assert_eq!(probe.calls(), 2);

    // It has its own configuration.
    other.reconfigure(config()).unwrap();
    call(&spends, get()).await.unwrap_err();
    assert_eq!(probe.calls(), 3);
    shared.reconfigure(deposits().ratio(2.0)).unwrap();
    call(&earns, get()).await.unwrap();
    call(&spends, get()).await.unwrap_err();
    assert_eq!(probe.calls(), 6);
}

/// T6: if only attempts fail, the budget bounds their number.
#[tokio::test(start_paused = true)]
async fn amplification_is_bounded_by_the_ratio() {
    let (service, probe) = behind(&Retry::new("test", config().budget(deposits())));
    let mut attempts = 0;
    for call_number in 0..1_000_u32 {
        // Half of the first attempts fail, and all others.
        if call_number % 2 == 0 {
            probe.script(failure());
        } else {
            probe.script(answer(200, &[]));
        }
        let _ = call(&service, get()).await;
        attempts = probe.calls();
    }
    // 500 successes pay for 100 retries.
    assert!((1_099..=1_100).contains(&attempts), "{attempts}");
}
