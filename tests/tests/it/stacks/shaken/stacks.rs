//! Fuzzing of whole stacks, as on servers and in clients.

use std::time::Duration;

use buttress::prelude::*;
use buttress_testkit::{Conformance, LayerUnderTest, TestBody};
use http::Request;
use tower::ServiceBuilder;

use super::{MODES, OPEN_FOR, breaker, chaos, conforms, retry, was_checked};

const LIMIT: u32 = 3;
const TIMEOUT: Duration = Duration::from_secs(3);

/// problem > deadline > shed > bulkhead
#[test]
fn a_server_conforms() {
    for mode in MODES {
        let suite = Conformance::new(format!("server, {mode:?}"), move || {
            // With two queues, one after the other, only first come, first served is an order of both.
            let shed = ShedConfig::default().limit(2 * LIMIT).queue(10);
            let shed = shed.max_wait(None).margin(Duration::ZERO);
            let shedder = Shedder::new("shaken", shed.order(Order::Fifo).mode(mode));
            let bulkhead = BulkheadConfig::default().limit(LIMIT).queue(4);
            let bulkhead = bulkhead.max_wait(None).order(Order::Fifo).mode(mode);
            let bulkhead = Bulkhead::new("shaken", bulkhead);
            let deadline = DeadlineConfig::default().timeout(TIMEOUT).mode(mode);
            let stack = ServiceBuilder::new()
                .layer(ProblemLayer::default())
                .layer(DeadlineLayer::server(&Deadlines::new("shaken", deadline)))
                .layer(ShedLayer::server(&shedder))
                .layer(BulkheadLayer::server(&bulkhead));
            LayerUnderTest::new(stack.into_inner()).state(move || {
                let (shed, bulkhead) = (shedder.snapshot(), bulkhead.snapshot());
                (
                    (shed.in_flight, shed.queued),
                    (bulkhead.in_flight, bulkhead.queued),
                )
            })
        });
        let suite = if mode == Mode::Enforce {
            suite.capacity(LIMIT as usize).holds_body()
        } else {
            suite
        };
        was_checked(&conforms(suite), &ASKED);
    }
}

/// deadline > retry > breaker > bulkhead
#[test]
fn a_client_conforms() {
    for mode in MODES {
        let suite = Conformance::new(format!("client, {mode:?}"), move || client(mode, None));
        was_checked(&conforms(suite.recovers_within(2 * OPEN_FOR)), &ASKED);
    }
}

/// The same around an injector with its own faults, in addition to those of the fuzzer.
#[test]
fn a_client_with_injected_faults_conforms() {
    for mode in MODES {
        let suite = Conformance::new(format!("client with faults, {mode:?}"), move || {
            let quiet = InjectorConfig::default().kill_variable(None);
            let injector = Injector::new("shaken", quiet);
            injector.arm(chaos::plan()).unwrap();
            client(mode, Some(&injector))
        });
        was_checked(&conforms(suite.recovers_within(chaos::TTL)), &ASKED);
    }
}

fn client(mode: Mode, injector: Option<&Injector>) -> LayerUnderTest {
    let retry = Retry::new("shaken", retry(mode));
    let breaker = Breaker::new("shaken", breaker(mode));
    let bulkhead = BulkheadConfig::default().limit(LIMIT).queue(4).mode(mode);
    let bulkhead = Bulkhead::new("shaken", bulkhead.max_wait(None));
    let deadline = ClientDeadlineConfig::default().timeout(TIMEOUT).mode(mode);
    let injector = injector.cloned();
    let stack = ServiceBuilder::new()
        .map_request(|request: Request<TestBody>| request.map(ReplayBody::new))
        .layer(DeadlineLayer::client(&Deadlines::new("shaken", deadline)))
        .layer(RetryLayer::client(&retry))
        .layer(BreakerLayer::client(&breaker))
        .layer(BulkheadLayer::server(&bulkhead));
    let specimen = match &injector {
        Some(injector) => {
            LayerUnderTest::new(stack.layer(ChaosLayer::client(injector)).into_inner())
        }
        None => LayerUnderTest::new(stack.into_inner()),
    };
    specimen.state(move || {
        let (budget, bulkhead) = (retry.shared_budget().snapshot(), bulkhead.snapshot());
        (
            (budget.calls_in_flight, budget.extra_in_flight),
            breaker.snapshot().probes_under_way,
            (bulkhead.in_flight, bulkhead.queued),
            injector.as_ref().map(|injector| injector.snapshot().active),
        )
    })
}

const ASKED: [&str; 8] = ["R1", "R8", "A1", "A3", "A4", "A5", "A8", "X2"];
