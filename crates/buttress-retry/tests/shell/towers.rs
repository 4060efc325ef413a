//! Ours in the places that tower has for it.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::task::Poll;

use buttress_core::budget::BudgetConfig;
use buttress_core::{BoxError, Mode, Ratio};
use buttress_retry::{Retry, RetryBudget, RetryPolicy};
use buttress_testkit::CountingWaker;
use tokio::time::Instant;
use tower::retry::budget::Budget;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::support::{WAIT, config, retry};

/// How often a call was made that fails so many times.
async fn attempts(retry: &Retry, failures: u32) -> u32 {
    let calls = Rc::new(Cell::new(0));
    let counted = Rc::clone(&calls);
    let service = ServiceBuilder::new()
        .retry(RetryPolicy::new(retry))
        .service(service_fn(move |()| {
            counted.set(counted.get() + 1);
            let fails = counted.get() <= failures;
            async move {
                match fails {
                    true => Err(BoxError::from(io::Error::other("down"))),
                    false => Ok(()),
                }
            }
        }));
    let result = service.oneshot(()).await;
    assert_eq!(result.is_ok(), calls.get() > failures);
    calls.get()
}

#[tokio::test(start_paused = true)]
async fn our_policy_decides_in_towers_retry() {
    let began = Instant::now();
    assert_eq!(attempts(&retry(), 2).await, 3);
    assert_eq!(began.elapsed(), 3 * WAIT);
    assert_eq!(attempts(&retry(), 3).await, 3);
    assert_eq!(
        attempts(&Retry::new("off", config().mode(Mode::Off)), 1).await,
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_shadow_of_our_policy_tries_nothing_again() {
    for mode in [Mode::Shadow, Mode::EnforceFor(Ratio::ZERO)] {
        let retry = Retry::new("test", config().mode(mode));
        assert_eq!(attempts(&retry, 1).await, 1, "{mode:?}");
        assert_eq!(retry.shared_budget().snapshot().extra_in_flight, 0);
    }
    let everybody = Mode::EnforceFor(Ratio::ONE);
    assert_eq!(
        attempts(&Retry::new("test", config().mode(everybody)), 1).await,
        2
    );
}

#[test]
fn without_a_runtime_our_policy_does_not_wait() {
    let retry = retry();
    let task = CountingWaker::new();
    let mut call = Box::pin(attempts(&retry, 1));
    assert_eq!(task.poll_future(call.as_mut()), Poll::Ready(1));
}

/// F08. A runtime without timers is no better, and tokio panics in it.
#[test]
fn without_timers_our_policy_does_not_wait() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("it needs nothing");
    assert_eq!(runtime.block_on(attempts(&retry(), 1)), 1);
}

#[tokio::test(start_paused = true)]
async fn its_budget_is_the_retrys() {
    let budget = BudgetConfig::default().floor_per_second(0).ratio(1.0);
    let retry = Retry::new("test", config().budget(budget));
    assert_eq!(attempts(&retry, 1).await, 1);
    assert_eq!(attempts(&retry, 0).await, 1);
    assert_eq!(attempts(&retry, 1).await, 2);
    let snapshot = retry.shared_budget().snapshot();
    assert_eq!((snapshot.balance, snapshot.extra_in_flight), (1.0, 0));
}

/// tower#857: a ratio of 0.34 is 0.5 there, and one of 0.51 is 1.
#[tokio::test(start_paused = true)]
async fn our_budget_pays_its_ratio_in_towers_place() {
    for hundredths in [1_u32, 30, 34, 51, 60, 75, 99, 100, 250, 1_000] {
        let config = BudgetConfig::default()
            .floor_per_second(0)
            .in_flight_share(None)
            .ratio(f64::from(hundredths) / 100.0);
        let budget = RetryBudget::new("test", config);
        for _ in 0..1_000 {
            budget.deposit();
        }
        let mut granted = 0;
        while budget.withdraw() {
            granted += 1;
        }
        assert_eq!(granted, hundredths * 10);
    }
}
