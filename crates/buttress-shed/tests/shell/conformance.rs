use std::time::Duration;

use buttress_core::{Mode, Ratio};
use buttress_shed::{
    LimitConfig, Order, SharesConfig, ShedConfig, ShedLayer, Shedder, TenantsConfig, ThrottleConfig,
};
use buttress_testkit::{Conformance, Sharing, Specimen};

const LIMIT: u32 = 3;
const MAX_WAIT: Duration = Duration::from_millis(50);

/// Whatever its mode, a shedder keeps the contract of a layer. One that enforces lets in so many and no more.
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
    in_every_mode("queues for so long", |mode| {
        let config = fixed().queue(100_000).max_wait(MAX_WAIT);
        conformance(mode, config, Kind::Plain).max_wait(MAX_WAIT)
    });
}

#[test]
fn a_shedder_with_everything_on_conforms_in_every_mode() {
    in_every_mode("with everything", |mode| {
        let config = fixed()
            .queue(100_000)
            .max_wait(None)
            .shares(SharesConfig::default())
            .tenants(TenantsConfig::default())
            .throttle(ThrottleConfig::default().floor(1_000_000));
        conformance(mode, config, Kind::Http)
    });
}

#[test]
fn an_http_shedder_without_a_queue_conforms_in_every_mode() {
    in_every_mode("http, refuses", |mode| {
        conformance(mode, fixed().queue(0), Kind::Http)
    });
}

#[test]
fn a_client_s_shedder_with_a_queue_conforms_in_every_mode() {
    in_every_mode("client, queues", |mode| {
        let config = fixed().queue(100_000).max_wait(None);
        conformance(mode, config, Kind::Client)
    });
}

/// Its limit is beyond what the suite does, which must not move it below.
#[test]
fn an_adaptive_shedder_conforms_in_every_mode() {
    in_every_mode("adaptive", |mode| {
        let limit = LimitConfig::guarded().initial(5_000).min(5_000);
        let config = ShedConfig::default().limit(limit).mode(mode);
        let suite = Conformance::new("shedder", move || {
            let shedder = Shedder::new("conformance", config.clone());
            let specimen = Specimen::new(ShedLayer::http(&shedder));
            specimen.state(move || (shedder.snapshot().in_flight, shedder.snapshot().queued))
        });
        suite.holds_body()
    });
}

#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Http,
    Client,
}

fn in_every_mode(what: &str, suite: impl Fn(Mode) -> Conformance) {
    let half = Mode::EnforceFor(Ratio::HALF);
    for mode in [Mode::Off, Mode::Shadow, Mode::Enforce, half] {
        let report = suite(mode).run();
        assert!(report.failed().is_empty(), "{what}, {mode:?}\n{report}");
    }
}

fn conformance(mode: Mode, config: ShedConfig, kind: Kind) -> Conformance {
    let enforces = mode == Mode::Enforce;
    let config = config.mode(mode);
    // What is refused now and then is not for the suite to fill.
    let config = if let Mode::EnforceFor(_) = mode {
        config.limit(10_000)
    } else {
        config
    };
    let suite = Conformance::new("shedder", move || {
        let shedder = Shedder::new("conformance", config.clone());
        let specimen = match kind {
            Kind::Plain => Specimen::new(ShedLayer::new(&shedder)),
            Kind::Http => Specimen::new(ShedLayer::http(&shedder)),
            Kind::Client => Specimen::new(ShedLayer::client(&shedder)),
        };
        let resize = {
            let (shedder, config) = (shedder.clone(), config.clone());
            move |limit: usize| {
                let limit: u32 = limit.try_into().expect("a few");
                let config = config.clone().limit(limit);
                shedder.reconfigure(config).expect("at least one");
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
        suite.capacity(LIMIT as usize).sharing(Sharing::Shared)
    } else {
        suite
    };
    match kind {
        Kind::Plain => suite,
        Kind::Http | Kind::Client => suite.holds_body(),
    }
}

/// The margin of deadlines is given, or what the suite does would teach another.
fn fixed() -> ShedConfig {
    ShedConfig::default()
        .limit(LIMIT)
        .order(Order::Fifo)
        .margin(Duration::ZERO)
}
