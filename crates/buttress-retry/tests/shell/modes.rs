use buttress_core::{Mode, Ratio};
use buttress_retry::{Retry, RetryStopped};

use crate::support::{accrue_budget, answer, behind, call, config, failure, get};

#[tokio::test(start_paused = true)]
async fn off_neither_retries_nor_measures() {
    let retry = Retry::new("test", config().mode(Mode::Off));
    let (service, probe) = behind(&retry);
    let before = retry.shared_budget().snapshot();
    call(&service, get()).await.unwrap();
    probe.script(failure());
    let error = call(&service, get()).await.unwrap_err();
    assert!(error.is::<buttress_testkit::TestError>());
    assert_eq!(probe.calls(), 2);
    assert_eq!(probe.instances(), 3);
    assert_eq!(retry.shared_budget().snapshot(), before);
}

#[tokio::test(start_paused = true)]
async fn shadow_pays_and_does_not_retry() {
    let retry = Retry::new("test", config().mode(Mode::Shadow));
    let (service, probe) = behind(&retry);
    let before = retry.shared_budget().snapshot().balance;
    probe.script(answer(503, &[]));
    let response = call(&service, get()).await.unwrap();
    assert!(response.extensions().get::<RetryStopped>().is_none());
    assert_eq!(probe.calls(), 1);
    assert!(retry.shared_budget().snapshot().balance < before);
    assert_eq!(retry.shared_budget().snapshot().extra_in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_stable_share_of_the_calls_is_retried() {
    let retry = Retry::new("test", config().mode(Mode::EnforceFor(Ratio::HALF)));
    let (service, probe) = behind(&retry);
    probe.script(failure());
    accrue_budget().await;
    let mut tried = 0;
    for id in 0..100 {
        let attempts = async || {
            let before = probe.calls();
            let mut request = get();
            let value = id.to_string().parse().unwrap();
            request.headers_mut().insert("x-request-id", value);
            call(&service, request).await.unwrap_err();
            probe.calls() - before
        };
        let first = attempts().await;
        assert_eq!(attempts().await, first);
        tried += usize::from(first > 1);
    }
    assert!((30..70).contains(&tried), "{tried}");
}

#[tokio::test(start_paused = true)]
async fn a_new_configuration_applies_at_once() {
    let retry = Retry::new("test", config().mode(Mode::Off));
    let (service, probe) = behind(&retry);
    probe.script(failure());
    call(&service, get()).await.unwrap_err();
    retry.reconfigure(config().attempts(2)).unwrap();
    call(&service, get()).await.unwrap_err();
    assert_eq!(probe.calls(), 1 + 2);
    assert_eq!(retry.config(), config().attempts(2));

    let error = retry.reconfigure(config().attempts(0)).unwrap_err();
    assert_eq!(error.field(), "attempts");
    call(&service, get()).await.unwrap_err();
    assert_eq!(probe.calls(), 1 + 2 + 2);
}
