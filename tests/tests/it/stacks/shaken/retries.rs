//! Fuzzing of retries, hedges and deadlines.

use std::time::Duration;

use buttress::prelude::*;
use buttress_testkit::{Conformance, LayerUnderTest, TestBody};
use http::Request;
use tower::ServiceBuilder;

use super::{MODES, conforms, retry, was_checked};

#[test]
fn a_retry_conforms() {
    for http in [false, true] {
        for mode in MODES {
            let suite = Conformance::new(format!("retry, {mode:?}"), move || {
                let retry = Retry::new("shaken", retry(mode));
                let specimen = if http {
                    let replayable = |request: Request<TestBody>| request.map(ReplayBody::new);
                    let stack = ServiceBuilder::new()
                        .map_request(replayable)
                        .layer(RetryLayer::client(&retry));
                    LayerUnderTest::new(stack)
                } else {
                    LayerUnderTest::new(RetryLayer::new(&retry))
                };
                specimen.state(move || {
                    let budget = retry.shared_budget().snapshot();
                    (budget.calls_in_flight, budget.extra_in_flight)
                })
            });
            was_checked(&conforms(suite), &ASKED);
        }
    }
}

#[test]
fn a_hedge_conforms() {
    for mode in MODES {
        let suite = Conformance::new(format!("hedge, {mode:?}"), move || {
            let config = HedgeConfig::default().minimum_calls(1).mode(mode);
            HedgeLayer::new(&Hedge::new("shaken", config))
        });
        was_checked(&conforms(suite), &ASKED);
    }
}

/// Calls that hang and bodies that stall last longer than it.
#[test]
fn a_deadline_conforms() {
    let timeout = Duration::from_millis(1_500);
    for mode in MODES {
        let config = DeadlineConfig::default().timeout(timeout).mode(mode);
        let plain = move || DeadlineLayer::new(&Deadlines::new("shaken", config));
        let server = move || DeadlineLayer::server(&Deadlines::new("shaken", config));
        let config = ClientDeadlineConfig::default().timeout(timeout).mode(mode);
        let client = move || DeadlineLayer::client(&Deadlines::new("shaken", config));
        let layers: [(_, Box<dyn Fn() -> LayerUnderTest>); 3] = [
            ("plain", Box::new(move || plain().into())),
            ("server", Box::new(move || server().into())),
            ("client", Box::new(move || client().into())),
        ];
        for (side, layer) in layers {
            let suite = Conformance::new(format!("deadline, {side}, {mode:?}"), layer);
            was_checked(&conforms(suite), &ASKED);
        }
    }
}

const ASKED: [&str; 8] = ["R1", "R8", "A1", "A3", "A4", "A5", "A8", "X2"];
