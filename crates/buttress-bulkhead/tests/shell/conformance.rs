use std::time::Duration;

use buttress_bulkhead::{
    Bulkhead, BulkheadConfig, BulkheadLayer, Order, PartitionsConfig, TenantsConfig, WhenSaturated,
};
use buttress_core::{Mode, Ratio};
use buttress_testkit::{Conformance, LayerUnderTest, QueueOrder, Readiness, Sharing, TestBody};

const LIMIT: u32 = 3;
/// The key of all calls.
const KEY: &str = "conformance";
const MAX_WAIT: Duration = Duration::from_millis(50);

/// In each mode, a bulkhead fulfils the contract of a layer. In `Enforce` it admits up to its limit.
#[test]
fn a_bulkhead_without_a_queue_conforms_in_every_mode() {
    in_every_mode("refuses", |mode| {
        conformance(mode, config(), WhenSaturated::Reject, false)
    });
}

#[test]
fn a_bulkhead_with_a_queue_conforms_in_every_mode() {
    in_every_mode("queues", |mode| {
        let config = config().queue(100_000).max_wait(None);
        conformance(mode, config, WhenSaturated::Reject, false)
    });
}

#[test]
fn a_bulkhead_with_a_longest_wait_conforms_in_every_mode() {
    in_every_mode("queues up to a longest wait", |mode| {
        let config = config().queue(100_000).max_wait(MAX_WAIT);
        conformance(mode, config, WhenSaturated::Reject, false).max_wait(MAX_WAIT)
    });
}

#[test]
fn a_bulkhead_that_waits_in_readiness_conforms_in_every_mode() {
    in_every_mode("unready", |mode| {
        let suite = conformance(mode, config(), WhenSaturated::Unready, false);
        if mode == Mode::Enforce {
            suite.readiness(Readiness::Reserve { idle_release: None })
        } else {
            suite
        }
    });
}

#[test]
fn an_http_bulkhead_conforms_in_every_mode() {
    in_every_mode("http, refuses", |mode| {
        conformance(mode, config(), WhenSaturated::Reject, true)
    });
}

#[test]
fn an_http_bulkhead_with_a_queue_conforms_in_every_mode() {
    in_every_mode("http, queues", |mode| {
        let config = config().queue(100_000).max_wait(None);
        conformance(mode, config, WhenSaturated::Reject, true)
    });
}

/// Q2, and the reverse of Q1: the newest first, which evicts the oldest.
#[test]
fn a_bulkhead_with_a_short_queue_conforms_in_either_order() {
    for (order, turns) in [
        (Order::Fifo, QueueOrder::OldestFirst),
        (Order::Lifo, QueueOrder::NewestFirst),
    ] {
        let config = config().queue(5).max_wait(MAX_WAIT).order(order);
        let suite = conformance(Mode::Enforce, config, WhenSaturated::Reject, true);
        let report = suite.queue(5).max_wait(MAX_WAIT).serves(turns).run();
        assert!(report.failed().is_empty(), "{order:?}\n{report}");
        for asked in ["Q1", "Q2", "Q3", "A2", "A3", "A6", "A7"] {
            assert!(
                report.held().contains(&asked),
                "{order:?}: {asked}\n{report}"
            );
        }
    }
}

/// With all calls in one partition, and with all calls of one tenant.
#[test]
fn a_bulkhead_that_is_shared_conforms_in_every_mode() {
    for queue in [0, 100_000] {
        in_every_mode(&format!("partitions, a queue of {queue}"), |mode| {
            let partitions = PartitionsConfig::default().share(KEY, Ratio::ONE);
            let config = config().queue(queue).max_wait(None);
            conformance(
                mode,
                config.partitions(partitions),
                WhenSaturated::Unready,
                true,
            )
        });
        in_every_mode(&format!("tenants, a queue of {queue}"), |mode| {
            let config = config().queue(queue).max_wait(None);
            let config = config.tenants(TenantsConfig::default());
            conformance(mode, config, WhenSaturated::Reject, true)
        });
    }
}

fn in_every_mode(what: &str, suite: impl Fn(Mode) -> Conformance) {
    let for_share = [Ratio::ZERO, Ratio::HALF, Ratio::ONE].map(Mode::EnforceFor);
    for mode in [Mode::Off, Mode::Shadow, Mode::Enforce]
        .into_iter()
        .chain(for_share)
    {
        let report = suite(mode).run();
        assert!(report.failed().is_empty(), "{what}, {mode:?}\n{report}");
    }
}

fn conformance(mode: Mode, config: BulkheadConfig, when: WhenSaturated, http: bool) -> Conformance {
    let enforces = matches!(mode, Mode::Enforce | Mode::EnforceFor(Ratio::ONE));
    let config = if mode == Mode::EnforceFor(Ratio::HALF) {
        // When the suite needs a response, it has at most four concurrent calls; the random histories have twelve.
        config.limit(5)
    } else {
        config
    };
    let config = config.mode(mode);
    let suite = Conformance::new("bulkhead", move || {
        let bulkhead = Bulkhead::new("conformance", config.clone());
        let specimen = if http {
            let layer = BulkheadLayer::server(&bulkhead).when_saturated(when);
            LayerUnderTest::new(layer.key(|_: &http::Request<TestBody>| KEY.into()))
        } else {
            LayerUnderTest::new(BulkheadLayer::new(&bulkhead).when_saturated(when))
        };
        let resize = {
            let (bulkhead, config) = (bulkhead.clone(), config.clone());
            move |limit: usize| {
                let limit = limit.try_into().unwrap();
                bulkhead.reconfigure(config.clone().limit(limit)).unwrap();
            }
        };
        let specimen = specimen.state(move || {
            let snapshot = bulkhead.snapshot();
            (snapshot.limit, snapshot.in_flight, snapshot.queued)
        });
        if enforces {
            specimen.resize(resize)
        } else {
            specimen
        }
    });
    let suite = if enforces {
        suite
            .capacity(LIMIT as usize)
            .sharing(Sharing::Shared)
            .serves(QueueOrder::OldestFirst)
    } else {
        suite
    };
    if http { suite.holds_body() } else { suite }
}

fn config() -> BulkheadConfig {
    BulkheadConfig::default().limit(LIMIT).order(Order::Fifo)
}
