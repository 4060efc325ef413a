use std::time::Duration;

use ::http::{HeaderName, HeaderValue, Request};
use buttress_core::{Mode, Ratio};
use buttress_http::Until;
use buttress_shed::{
    ControlledDelay, LimitConfig, Order, PressureConfig, SharesConfig, ShedConfig, ShedLayer,
    Shedder, TenantsConfig, ThrottleConfig,
};
use buttress_testkit::{Conformance, LayerUnderTest, QueueOrder, Sharing, TestBody};
use tower::layer::util::Stack;
use tower::util::MapRequestLayer;

const LIMIT: u32 = 3;
const MAX_WAIT: Duration = Duration::from_millis(50);

/// In each mode, a shedder fulfils the contract of a layer. In `Enforce` it admits up to its limit.
#[test]
fn a_shedder_without_a_queue_conforms_in_every_mode() {
    in_every_mode("refuses", |mode| {
        conformance(mode, fixed().queue(0), Kind::Plain)
    });
}

#[test]
fn a_shedder_with_a_queue_conforms_in_every_mode() {
    in_every_mode("queues", |mode| {
        let config = fixed().queue(100_000).max_wait(None);
        conformance(mode, config, Kind::Plain)
    });
}

#[test]
fn a_shedder_with_a_longest_wait_conforms_in_every_mode() {
    in_every_mode("queues up to a longest wait", |mode| {
        let config = fixed().queue(100_000).max_wait(MAX_WAIT);
        conformance(mode, config, Kind::Plain).max_wait(MAX_WAIT)
    });
}

#[test]
fn a_shedder_with_all_features_conforms_in_every_mode() {
    in_every_mode("with everything", |mode| {
        let config = fixed()
            .queue(100_000)
            .max_wait(None)
            .shares(SharesConfig::default())
            .tenants(TenantsConfig::default())
            .throttle(ThrottleConfig::default().floor(1_000_000))
            .controlled_delay(ControlledDelay::default().target(HOUR).interval(2 * HOUR))
            .pressure(PressureConfig::default().run_delay(HOUR, 2 * HOUR));
        conformance(mode, config, Kind::Tenant)
    });
}

/// Q2, and the reverse of Q1: the newest first, which evicts the oldest.
#[test]
fn a_shedder_with_a_short_queue_conforms_in_either_order() {
    for (order, turns) in [
        (Order::Fifo, QueueOrder::OldestFirst),
        (Order::Lifo, QueueOrder::NewestFirst),
    ] {
        let config = fixed().queue(5).max_wait(MAX_WAIT).order(order);
        let suite = conformance(Mode::Enforce, config, Kind::Bodies);
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

#[test]
fn an_http_shedder_without_a_queue_conforms_in_every_mode() {
    for kind in [Kind::Http, Kind::Bodies] {
        in_every_mode("http, refuses", |mode| {
            conformance(mode, fixed().queue(0), kind)
        });
    }
}

#[test]
fn a_client_s_shedder_with_a_queue_conforms_in_every_mode() {
    in_every_mode("client, queues", |mode| {
        let config = fixed().queue(100_000).max_wait(None);
        conformance(mode, config, Kind::Client)
    });
}

/// Its limit is above what the suite needs, and must not fall below it.
#[test]
fn an_adaptive_shedder_conforms_in_every_mode() {
    in_every_mode("adaptive", |mode| {
        let limit = LimitConfig::guarded().initial(5_000).min(5_000);
        let config = ShedConfig::default().limit(limit).mode(mode);
        let suite = Conformance::new("shedder", move || {
            let shedder = Shedder::new("conformance", config.clone());
            let specimen = LayerUnderTest::new(ShedLayer::server(&shedder).until(Until::BodyEnd));
            specimen.state(move || (shedder.snapshot().in_flight, shedder.snapshot().queued))
        });
        suite.holds_body()
    });
}

#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Http,
    /// Over HTTP, with calls that last until the end of their bodies.
    Bodies,
    Client,
    /// Over HTTP, with a tenant in every request.
    Tenant,
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

fn conformance(mode: Mode, config: ShedConfig, kind: Kind) -> Conformance {
    let enforces = matches!(mode, Mode::Enforce | Mode::EnforceFor(Ratio::ONE));
    let config = config.mode(mode);
    // In a mode that rejects only some calls, the suite cannot fill it.
    let config = if mode == Mode::EnforceFor(Ratio::HALF) {
        config.limit(10_000)
    } else {
        config
    };
    let suite = Conformance::new("shedder", move || {
        let shedder = Shedder::new("conformance", config.clone());
        let specimen = match kind {
            Kind::Plain => LayerUnderTest::new(ShedLayer::new(&shedder)),
            Kind::Http => LayerUnderTest::new(ShedLayer::server(&shedder)),
            Kind::Bodies => LayerUnderTest::new(ShedLayer::server(&shedder).until(Until::BodyEnd)),
            Kind::Client => LayerUnderTest::new(ShedLayer::client(&shedder)),
            Kind::Tenant => {
                let layer = ShedLayer::server(&shedder).until(Until::BodyEnd);
                let layer = layer.tenant_header(TENANT);
                LayerUnderTest::new(Stack::new(layer, MapRequestLayer::new(of_a_tenant)))
            }
        };
        let resize = {
            let (shedder, config) = (shedder.clone(), config.clone());
            move |limit: usize| {
                let limit: u32 = limit.try_into().expect("a few");
                let config = config.clone().limit(limit);
                shedder.reconfigure(config).expect("the limit is valid");
            }
        };
        let specimen = specimen.state(move || {
            let snapshot = shedder.snapshot();
            (snapshot.limit.limit, snapshot.in_flight, snapshot.queued)
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
    match kind {
        Kind::Plain | Kind::Http | Kind::Client => suite,
        Kind::Bodies | Kind::Tenant => suite.holds_body(),
    }
}

/// The margin of deadlines is fixed, because the suite's calls would change a measured one.
fn fixed() -> ShedConfig {
    ShedConfig::default()
        .limit(LIMIT)
        .order(Order::Fifo)
        .margin(Duration::ZERO)
}

fn of_a_tenant(mut request: Request<TestBody>) -> Request<TestBody> {
    let name = HeaderValue::from_static("conformance");
    request.headers_mut().insert(TENANT, name);
    request
}

const TENANT: HeaderName = HeaderName::from_static("x-tenant");
const HOUR: Duration = Duration::from_secs(3_600);
