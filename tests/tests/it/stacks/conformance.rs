//! The suite for `ProblemLayer` and for stacks with it.

use std::borrow::Cow;
use std::time::Duration;

use buttress::prelude::*;
use buttress_testkit::{Conformance, LayerUnderTest, Sharing, TestBody};
use http::{HeaderName, Request};
use tower::ServiceBuilder;

/// The open time in these tests.
const OPEN_FOR: Duration = Duration::from_secs(10);

/// It has no mode; its settings are what it reads and writes.
#[test]
fn the_problem_layer_conforms_with_any_settings() {
    let everything = ProblemConfig::default()
        .on(|_: &std::fmt::Error| Problem::from(STATUS))
        .request_id_header(HeaderName::from_static("x-other"))
        .instance(true)
        .retry_after_jitter(Ratio::HALF);
    let nothing = ProblemConfig::default().request_id_header(None);
    let configs = [
        ("default", ProblemConfig::default()),
        ("everything", everything),
        ("nothing", nothing),
    ];
    for (name, config) in configs {
        Conformance::new(name, move || {
            ProblemLayer::new(&Problems::new(config.clone()))
        })
        .run()
        .assert();
    }
}

#[test]
fn a_problem_layer_over_a_breaker_conforms_in_every_mode() {
    in_every_mode("problem over breaker", |mode| {
        conformance(mode, |breaker| {
            let stack = ServiceBuilder::new()
                .layer(ProblemLayer::default())
                .layer(BreakerLayer::new(breaker));
            LayerUnderTest::new(stack.into_inner())
        })
    });
}

#[test]
fn a_problem_layer_over_a_breaker_for_http_conforms_in_every_mode() {
    in_every_mode("problem over http breaker", |mode| {
        conformance(mode, |breaker| {
            let stack = ServiceBuilder::new()
                .layer(ProblemLayer::default())
                .layer(BreakerLayer::client(breaker));
            LayerUnderTest::new(stack.into_inner())
        })
        .holds_body()
    });
}

#[test]
fn a_problem_layer_over_a_breaker_that_waits_conforms_in_every_mode() {
    in_every_mode("problem over waiting breaker", |mode| {
        conformance(mode, |breaker| {
            let waits = BreakerLayer::client(breaker).when_saturated(WhenSaturated::Unready);
            let stack = ServiceBuilder::new()
                .layer(ProblemLayer::default())
                .layer(waits);
            LayerUnderTest::new(stack.into_inner())
        })
        .holds_body()
    });
}

/// In the reverse order, the breaker reads the outcome from the problem's status.
#[test]
fn a_breaker_over_a_problem_layer_conforms_in_every_mode() {
    in_every_mode("http breaker over problem", |mode| {
        conformance(mode, |breaker| {
            let stack = ServiceBuilder::new()
                .layer(BreakerLayer::client(breaker))
                .layer(ProblemLayer::default());
            LayerUnderTest::new(stack.into_inner())
        })
        .holds_body()
    });
}

#[test]
fn a_breaker_over_a_breaker_conforms_in_every_mode() {
    in_every_mode("http breaker over breaker", |mode| {
        conformance(mode, |breaker| {
            let inner = Breaker::new("inner", config(Mode::Enforce));
            let stack = ServiceBuilder::new()
                .layer(BreakerLayer::client(breaker))
                .layer(BreakerLayer::new(&inner));
            LayerUnderTest::new(stack.into_inner())
        })
        .holds_body()
    });
}

/// A keyed breaker is a breaker for callers with one key.
#[test]
fn a_keyed_breaker_conforms_in_every_mode() {
    fn key(_: &Request<TestBody>) -> Cow<'_, str> {
        "all".into()
    }
    in_every_mode("keyed breaker", |mode| {
        conformance_of(mode, move || {
            let each = BreakersConfig::default().breaker(config(mode));
            let breakers = Breakers::new("conformance", each);
            let layer = BreakerLayer::keyed(&breakers, key).client();
            (breakers.get("all"), LayerUnderTest::new(layer))
        })
        .holds_body()
    });
}

fn in_every_mode(what: &str, suite: impl Fn(Mode) -> Conformance) {
    let half = Mode::EnforceFor(Ratio::HALF);
    for mode in [Mode::Off, Mode::Shadow, Mode::Enforce, half] {
        let report = suite(mode).run();
        assert!(report.failed().is_empty(), "{what}, {mode:?}\n{report}");
    }
}

fn conformance(mode: Mode, stack: fn(&Breaker) -> LayerUnderTest) -> Conformance {
    conformance_of(mode, move || {
        let breaker = Breaker::new("conformance", config(mode));
        let specimen = stack(&breaker);
        (breaker, specimen)
    })
}

/// The suite for a stack, and the breaker in it that is opened.
fn conformance_of(
    mode: Mode,
    stack: impl Fn() -> (Breaker, LayerUnderTest) + 'static,
) -> Conformance {
    // In a mode that rejects only some calls or none, the suite cannot open it.
    let enforces = mode == Mode::Enforce;
    let suite = Conformance::new("stack", move || {
        let (breaker, specimen) = stack();
        let specimen = specimen.state({
            let breaker = breaker.clone();
            move || (breaker.state(), breaker.snapshot().probes_under_way)
        });
        if enforces {
            specimen.trip(move || breaker.trip())
        } else {
            specimen
        }
    });
    if enforces {
        suite.sharing(Sharing::Shared).recovers_within(OPEN_FOR)
    } else {
        suite
    }
}

/// No call in the suite opens it: it is opened by hand, and stays half-open throughout.
fn config(mode: Mode) -> BreakerConfig {
    BreakerConfig::default()
        .failure_ratio(None)
        .consecutive_failures(None)
        .open_for(OpenDuration::Fixed(OPEN_FOR))
        .probe_timeout(OPEN_FOR)
        .half_open_timeout(Duration::from_secs(24 * 60 * 60))
        .mode(mode)
}

const STATUS: http::StatusCode = http::StatusCode::IM_A_TEAPOT;
