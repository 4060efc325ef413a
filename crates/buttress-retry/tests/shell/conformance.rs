use ::http::Request;
use buttress_core::{Mode, Ratio};
use buttress_http::ReplayBody;
use buttress_retry::{Hedge, HedgeConfig, HedgeLayer, Retry, RetryConfig, RetryLayer};
use buttress_testkit::{Conformance, LayerUnderTest, TestBody};
use tower::ServiceBuilder;

use crate::support::config;

/// In each mode, a retry fulfils the contract of a layer, also when the suite makes the inner service fail.
#[test]
fn a_plain_retry_conforms_in_every_mode() {
    in_every_mode("plain", |config| {
        conformance(config, |retry| {
            // A plain retry treats any response as a success, so the suite shows it what an HTTP caller would see.
            LayerUnderTest::new(RetryLayer::new(retry))
        })
    });
}

#[test]
fn an_http_retry_conforms_in_every_mode() {
    in_every_mode("http", |config| {
        let layer = |retry: &Retry| {
            let replayable = |request: Request<TestBody>| request.map(ReplayBody::new);
            let stack = ServiceBuilder::new()
                .map_request(replayable)
                .layer(RetryLayer::client(retry));
            LayerUnderTest::new(stack)
        };
        conformance(config, layer)
    });
}

#[test]
fn a_hedge_conforms_in_every_mode() {
    let half = Mode::EnforceFor(Ratio::HALF);
    for mode in [Mode::Off, Mode::Shadow, Mode::Enforce, half] {
        let suite = Conformance::new("hedge", move || {
            HedgeLayer::new(&Hedge::new(
                "conformance",
                HedgeConfig::default().minimum_calls(1).mode(mode),
            ))
        });
        let report = suite.run();
        assert!(report.failed().is_empty(), "{mode:?}\n{report}");
    }
}

fn in_every_mode(what: &str, suite: impl Fn(RetryConfig) -> Conformance) {
    let half = Mode::EnforceFor(Ratio::HALF);
    for mode in [Mode::Off, Mode::Shadow, Mode::Enforce, half] {
        let once = suite(config().attempts(1).mode(mode));
        let thrice = suite(config().mode(mode)).except(
            "R8",
            "a call that waits for its next attempt is woken by a timer, and this invariant stops time",
        );
        for report in [once.run(), thrice.run()] {
            assert!(report.failed().is_empty(), "{what}, {mode:?}\n{report}");
        }
    }
}

fn conformance(config: RetryConfig, layer: fn(&Retry) -> LayerUnderTest) -> Conformance {
    Conformance::new("retry", move || {
        let retry = Retry::new("conformance", config.clone());
        layer(&retry).state(move || {
            let budget = retry.shared_budget().snapshot();
            (budget.calls_in_flight, budget.extra_in_flight)
        })
    })
}
