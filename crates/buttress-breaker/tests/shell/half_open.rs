//! A half-open circuit is a limit on probes, so it fulfils the suite's invariants of limits.

use std::time::Duration;

use ::http::Response;
use buttress_breaker::{Breaker, BreakerConfig, BreakerLayer, OpenDuration, WhenSaturated};
use buttress_core::{BoxError, Ratio, Report};
use buttress_testkit::{Conformance, LayerUnderTest, Readiness, Sharing, TestBody};
use tokio::runtime::Handle;

const PROBES: usize = 4;
const LEASE: Duration = Duration::from_secs(60 * 60);

#[test]
fn a_half_open_breaker_that_rejects_conforms_as_a_limit() {
    conformance(WhenSaturated::Reject).run().assert();
}

#[test]
fn a_half_open_breaker_that_waits_conforms_as_a_limit() {
    let idle_release = Some(LEASE);
    conformance(WhenSaturated::Unready)
        .readiness(Readiness::Reserve { idle_release })
        .run()
        .assert();
}

fn conformance(when_saturated: WhenSaturated) -> Conformance {
    let stays = "it does not stay half-open forever";
    Conformance::new("half-open", move || specimen(when_saturated))
        .capacity(PROBES)
        .sharing(Sharing::Shared)
        .except("A4", "a panic is a failed probe, which uses up its slot")
        .except("A10", stays)
        .except("X1", stays)
        .except("X4", stays)
        .except("X8", "its transition to half-open needs a clock that runs")
}

/// Half-open for as long as the suite runs: no probe has an outcome.
fn specimen(when_saturated: WhenSaturated) -> LayerUnderTest {
    let config = BreakerConfig::default()
        .open_for(OpenDuration::Fixed(Duration::from_nanos(1)))
        .probes(PROBES as u32)
        .probe_failure_ratio(Ratio::ONE)
        .probe_timeout(LEASE)
        .half_open_timeout(BreakerConfig::MAX_TIME);
    let breaker = Breaker::new("half-open", config);
    breaker.trip();
    Handle::current().block_on(tokio::time::advance(Duration::from_millis(1)));

    let layer = BreakerLayer::new(&breaker)
        .classify(|_: &Result<Response<TestBody>, BoxError>| Report::IGNORED)
        .when_saturated(when_saturated);
    LayerUnderTest::new(layer).state(move || {
        let snapshot = breaker.snapshot();
        (snapshot.state, snapshot.probes_under_way)
    })
}
