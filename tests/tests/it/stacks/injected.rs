//! Breakers and budgets outside an injector: they count a fault as the failure that it simulates, or ignore it if
//! configured to.

use std::time::Duration;

use buttress::chaos::Answer;
use buttress::http::{HttpClassifier, IgnoreInjected, RetryClassifier};
use buttress::prelude::*;
use buttress::retry::{HttpRetry, RetryService};
use buttress_testkit::{ReadyProbe, TestBody};
use http::{Method, Request};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

const ANSWERS: [Answer; 3] = [Answer::Abort, Answer::Error, Answer::Status(503)];

#[tokio::test(start_paused = true)]
async fn a_breaker_opens_on_injected_faults() {
    for answer in ANSWERS {
        let breaker = breaker();
        let layer = BreakerLayer::client(&breaker);
        call_often(layer.layer(affected(&answer))).await;
        assert_eq!(breaker.state(), CircuitState::Open, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_breaker_with_ignore_injected_does_not_open() {
    for answer in ANSWERS {
        let breaker = breaker();
        let ignore = IgnoreInjected::new(HttpClassifier::client());
        let layer = BreakerLayer::client(&breaker).classify(ignore);
        call_often(layer.layer(affected(&answer))).await;
        assert_eq!(breaker.state(), CircuitState::Closed, "{answer:?}");
        assert_eq!(breaker.snapshot().counts.calls, 0, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_pays_for_retries_of_injected_faults() {
    for answer in [Answer::Abort, Answer::Status(503)] {
        let retry = retry();
        call_often(RetryLayer::client(&retry).layer(affected(&answer))).await;
        assert!(retry.shared_budget().snapshot().granted > 0, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_with_ignore_injected_does_not_pay() {
    for answer in ANSWERS {
        let retry = retry();
        let ignore = IgnoreInjected::new(RetryClassifier::DEFAULT);
        let layer = RetryLayer::client(&retry).classify(ignore);
        call_often(layer.layer(affected(&answer))).await;
        let budget = retry.shared_budget().snapshot();
        assert_eq!((budget.granted, budget.refused), (0, 0), "{answer:?}");
    }
}

/// It simulates a connection that is lost in the middle of a call, which may have been processed, so a request that
/// is not idempotent is not retried.
#[tokio::test(start_paused = true)]
async fn an_injected_abort_counts_as_processed() {
    let retry = retry();
    let service: RetryService<_, HttpRetry> =
        RetryLayer::client(&retry).layer(affected(&Answer::Abort));
    let mut request = request();
    *request.method_mut() = Method::POST;
    assert!(service.oneshot(request).await.is_err());
    assert_eq!(retry.shared_budget().snapshot().granted, 0);
}

async fn call_often<S>(service: S)
where
    S: Service<Request<ReplayBody<TestBody>>> + Clone,
{
    for _ in 0..5 {
        let _ = service.clone().oneshot(request()).await;
    }
}

/// A healthy service with an injector that responds in its place and adds the fault header.
fn affected(
    answer: &Answer,
) -> impl Service<
    Request<ReplayBody<TestBody>>,
    Response = http::Response<buttress::chaos::FaultyBody<TestBody>>,
    Error = BoxError,
    Future: Send,
> + Clone
+ use<> {
    let config = InjectorConfig::default()
        .kill_variable(None)
        .fault_header(true);
    let injector = Injector::new("test", config);
    let fault = PlannedFault::new("fault", Fault::Answer(answer.clone()));
    injector.arm(Plan::new(7).fault(fault)).unwrap();
    ServiceBuilder::new()
        .layer(ChaosLayer::client(&injector))
        .service(ReadyProbe::new().0)
}

fn request() -> Request<ReplayBody<TestBody>> {
    Request::new(ReplayBody::new(TestBody::empty()))
}

fn breaker() -> Breaker {
    let config = BreakerConfig::default().consecutive_failures(3);
    Breaker::new(
        "test",
        config.open_for(OpenDuration::Fixed(Duration::from_secs(60))),
    )
}

fn retry() -> Retry {
    Retry::new("test", RetryConfig::default())
}
