//! Invariants of the suite that our layers fulfil beyond those of others: the counterpart of the testkit's `report`.
//!
//! ```sh
//! cargo test -p buttress-tests --test it stacks::report -- --nocapture
//! ```

use std::time::Duration;

use buttress::prelude::*;
use buttress_testkit::{Conformance, LayerUnderTest, Sharing, TestBody};
use http::Request;
use tower::ServiceBuilder;

const LIMIT: u32 = 3;
const SECOND: Duration = Duration::from_secs(1);

/// Prints the report, and checks that these invariants held, and that none is broken.
#[track_caller]
fn holds(suite: Conformance, promised: &[&str]) {
    let report = suite.run();
    println!("{report}");
    report.assert();
    for invariant in promised {
        assert!(report.held().contains(invariant), "{invariant}\n{report}");
    }
}

/// One layer of the handle waits in the call, the other in `poll_ready`.
#[test]
fn a_bulkhead_ends_every_wait_and_serves_all_in_turn() {
    let suite = Conformance::new("bulkhead", || {
        let config = BulkheadConfig::default().limit(LIMIT).queue(100_000);
        let config = config.max_wait(SECOND).order(Order::Fifo);
        let bulkhead = Bulkhead::new("report", config);
        let layer = BulkheadLayer::new(&bulkhead);
        let beside = layer.clone().when_saturated(WhenSaturated::Unready);
        LayerUnderTest::new(layer).beside(beside)
    });
    let suite = suite.capacity(LIMIT as usize).sharing(Sharing::Shared);
    let suite = suite.max_wait(SECOND).attempts(1);
    holds(suite, &["R13", "R14", "Q3", "Q5", "Q6", "T9", "X8"]);
}

#[test]
fn a_deadline_ends_waits_for_readiness_and_unread_responses() {
    let suite = Conformance::new("deadline", || DeadlineLayer::server(&deadline()));
    let suite = suite.needs_timer().ends_within(SECOND).attempts(1);
    let suite = suite.ready_within(SECOND);
    holds(suite, &["A10", "A11", "Q5", "R14", "R15", "T9", "X8"]);
}

/// Two sockets that are not read do not use up the bulkhead for longer than their deadline.
#[test]
fn a_bulkhead_inside_a_deadline_gets_its_slots_back() {
    let suite = Conformance::new("deadline over bulkhead", || {
        let config = BulkheadConfig::default().limit(LIMIT).queue(100_000);
        let config = config.margin(Duration::ZERO);
        let bulkhead = Bulkhead::new("report", config.max_wait(None).order(Order::Fifo));
        let stack = ServiceBuilder::new()
            .layer(DeadlineLayer::server(&deadline()))
            .layer(BulkheadLayer::server(&bulkhead));
        LayerUnderTest::new(stack.into_inner())
    });
    let suite = suite.capacity(LIMIT as usize).sharing(Sharing::Shared);
    let suite = suite.holds_body().needs_timer().ends_within(SECOND);
    holds(suite, &["R13", "A10", "A11", "Q5", "X8"]);
}

/// Whether calls wait for a slot in the call, in `poll_ready`, or not at all.
#[test]
fn a_bulkhead_takes_slots_back_from_idle_readers() {
    for (queue, when) in [
        (0, WhenSaturated::Reject),
        (100_000, WhenSaturated::Reject),
        (0, WhenSaturated::Unready),
    ] {
        let suite = Conformance::new(format!("{when:?}, a queue of {queue}"), move || {
            let config = BulkheadConfig::default().limit(LIMIT).queue(queue);
            let config = config.max_wait(None).reader_idle(SECOND);
            let bulkhead = Bulkhead::new("report", config);
            LayerUnderTest::new(BulkheadLayer::server(&bulkhead).when_saturated(when))
        });
        let suite = suite.capacity(LIMIT as usize).holds_body();
        holds(suite.reader_idle(SECOND).only(&["A13"]), &["A13"]);
    }
}

/// With the defaults, and so an adaptive limit.
#[test]
fn a_default_shedder_admits_calls_beside_streams() {
    let suite = Conformance::new("shedder", || {
        let shedder = Shedder::new("report", ShedConfig::default());
        LayerUnderTest::new(ShedLayer::server(&shedder))
    });
    let invariants = ["R13", "R14", "A10", "A12", "X8"];
    holds(suite.adapts().only(&invariants), &["A10", "A12", "X8"]);
}

/// Configured to open after few failures: five consecutive failures, or slow calls.
#[test]
fn a_breaker_learns_nothing_from_readers() {
    let suite = Conformance::new("breaker", || {
        let config = BreakerConfig::default()
            .consecutive_failures(5)
            .minimum_calls(5)
            .slow_calls(SECOND, Ratio::HALF)
            .open_for(OpenDuration::Fixed(SECOND))
            .probe_timeout(SECOND);
        let breaker = Breaker::new("report", config);
        let specimen = LayerUnderTest::new(BreakerLayer::client(&breaker));
        specimen.trip(move || breaker.trip())
    });
    let invariants = ["R13", "R14", "A10", "B3", "B7", "T9", "X8"];
    let suite = suite.holds_body().recovers_within(SECOND).attempts(1);
    holds(
        suite.only(&invariants),
        &["R13", "R14", "A10", "B7", "T9", "X8"],
    );
}

#[test]
fn a_retry_sends_and_copies_only_what_it_states() {
    for attempts in [1, 3] {
        let suite = Conformance::new(format!("retry, {attempts} attempts"), move || {
            let config = RetryConfig::default().attempts(attempts);
            let config = config.attempt_timeout(SECOND);
            LayerUnderTest::new(RetryLayer::new(&Retry::new("report", config)))
        });
        let invariants = ["R13", "R14", "A10", "T9", "X8"];
        let suite = suite.needs_timer().attempts(attempts as usize);
        holds(suite.only(&invariants), &["R14", "A10", "T9", "X8"]);
    }
}

/// Also if the service is not ready after the first attempt.
#[test]
fn a_retry_inside_a_deadline_ends_in_time() {
    let suite = Conformance::new("deadline over retry", || {
        let replayable = |request: Request<TestBody>| request.map(ReplayBody::new);
        let retry = Retry::new("report", RetryConfig::default());
        let stack = ServiceBuilder::new()
            .layer(DeadlineLayer::server(&deadline()))
            .map_request(replayable)
            .layer(RetryLayer::client(&retry));
        LayerUnderTest::new(stack.into_inner())
    });
    let suite = suite.needs_timer().ends_within(SECOND);
    let invariants = ["R14", "A10", "A11", "Q5", "X8"];
    holds(suite.only(&invariants), &invariants);
}

fn deadline() -> Deadlines {
    Deadlines::new("report", DeadlineConfig::default().timeout(SECOND))
}
