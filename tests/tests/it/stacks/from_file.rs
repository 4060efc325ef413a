//! The suite for the stacks of a file.

use buttress::prelude::*;
use buttress_testkit::{Conformance, LayerUnderTest, TestBody};
use http::Request;
use tower::ServiceBuilder;

#[test]
fn a_server_from_a_file_conforms_in_every_mode() {
    for deadline in OUTERMOST_AND_INNERMOST {
        let text = format!("[server.conformance]\n{deadline}");
        let suite = Conformance::new("server from a file", move || {
            LayerUnderTest::new(stacks(&text).server("conformance").unwrap())
        });
        let report = suite.run();
        assert!(report.failed().is_empty(), "{deadline}\n{report}");
    }
}

#[test]
fn a_client_from_a_file_conforms_in_every_mode() {
    for deadline in OUTERMOST_AND_INNERMOST.into_iter().chain(THROTTLES) {
        for breaker in BREAKERS {
            for retry in RETRIES {
                let text = format!("[client.conformance]\n{deadline}\n{retry}\n{breaker}");
                let shown = text.clone();
                let suite = Conformance::new("client from a file", move || client(&text)).except(
                    "R8",
                    "a call that waits for its next attempt is woken by a timer, and this invariant stops time",
                );
                let report = suite.run();
                assert!(report.failed().is_empty(), "{shown}\n{report}");
            }
        }
    }
}

/// After a reload, the configuration is updated in `poll_ready`, where the contract is about readiness.
#[test]
fn a_reloaded_stack_conforms() {
    let text = "[server.conformance]\ndeadline.timeout = '1 h'";
    let suite = Conformance::new("reloaded", move || {
        let stacks = stacks(text);
        let reloads = stacks.clone();
        let stack = ServiceBuilder::new()
            .layer(tower::layer::layer_fn(move |service| {
                reloads.reload(text).unwrap();
                service
            }))
            .layer(stacks.server("conformance").unwrap());
        LayerUnderTest::new(stack.into_inner())
    });
    let report = suite.run();
    assert!(report.failed().is_empty(), "{report}");
}

fn client(text: &str) -> LayerUnderTest {
    let resilience = stacks(text);
    let replayable = |request: Request<TestBody>| request.map(ReplayBody::new);
    let stack = ServiceBuilder::new()
        .map_request(replayable)
        .layer(resilience.client("conformance").unwrap());
    let (breaker, retry) = (
        resilience.breaker("conformance"),
        resilience.retry("conformance"),
    );
    LayerUnderTest::new(stack.into_inner()).state(move || {
        let budget = retry.as_ref().map(|retry| retry.shared_budget().snapshot());
        (
            breaker.as_ref().map(Breaker::state),
            budget.map(|budget| (budget.calls_in_flight, budget.extra_in_flight)),
        )
    })
}

fn stacks(text: &str) -> Resilience {
    Resilience::from_toml(text).unwrap()
}

const OUTERMOST_AND_INNERMOST: [&str; 8] = [
    "",
    "deadline = {}",
    "bulkhead = {}",
    "deadline = { timeout = '1 h' }\nbulkhead = { queue = 4 }",
    "deadline = { timeout = '1 h', mode = 'shadow' }",
    "shed = { limit = 10_000 }",
    "deadline = { timeout = '1 h' }\nshed = { limit = 10_000 }\nbulkhead = {}",
    "shed.mode = 'shadow'",
];

/// No call of the suite is throttled.
const THROTTLES: [&str; 2] = [
    "throttle = { floor = 1_000_000 }",
    "shed = { limit = 10_000 }\nthrottle = { floor = 1_000_000 }",
];

/// No call of the suite opens them.
const BREAKERS: [&str; 4] = [
    "",
    "breaker = { failure_ratio = 'off', consecutive_failures = 'off' }",
    "breaker = { failure_ratio = 'off', consecutive_failures = 'off', mode = 0.5 }",
    "breaker = { mode = 'off' }",
];

const RETRIES: [&str; 4] = [
    "",
    "retry = { attempts = 1 }",
    "retry = { mode = 'shadow' }",
    "retry = { mode = 'off' }",
];
