use std::time::Duration;

use buttress_core::{Mode, Ratio};
use buttress_deadline::{ClientDeadlineConfig, DeadlineConfig, DeadlineLayer, Deadlines};
use buttress_testkit::{Conformance, LayerUnderTest};

use crate::support::{client, plain, server};

/// Longer than the suite makes any call wait, except for the jumps of its clock, which no call should outlast.
const TIMEOUT: Duration = Duration::from_secs(60 * 24 * 60 * 60);

#[test]
fn a_plain_deadline_conforms_in_every_mode() {
    in_every_mode("plain", |mode| LayerUnderTest::new(plain(config(mode))));
}

#[test]
fn a_deadline_of_a_server_conforms_in_every_mode() {
    in_every_mode("server", |mode| LayerUnderTest::new(server(config(mode))));
}

#[test]
fn a_deadline_of_a_client_conforms_in_every_mode() {
    in_every_mode("client", |mode| {
        let config = ClientDeadlineConfig::default().timeout(TIMEOUT).mode(mode);
        LayerUnderTest::new(client(config))
    });
}

#[test]
fn a_layer_without_deadlines_conforms() {
    for name in ["plain", "server", "client"] {
        let suite = Conformance::new(name, move || match name {
            "plain" => LayerUnderTest::new(DeadlineLayer::new(&Deadlines::default())),
            "server" => LayerUnderTest::new(DeadlineLayer::server(&Deadlines::default())),
            _ => LayerUnderTest::new(DeadlineLayer::client(&Deadlines::default())),
        });
        let report = suite.run();
        assert!(report.failed().is_empty(), "{name}\n{report}");
    }
}

fn in_every_mode(what: &str, specimen: fn(Mode) -> LayerUnderTest) {
    let half = Mode::EnforceFor(Ratio::HALF);
    for mode in [Mode::Off, Mode::Shadow, Mode::Enforce, half] {
        let report = Conformance::new(what, move || specimen(mode)).run();
        assert!(report.failed().is_empty(), "{what}, {mode:?}\n{report}");
    }
}

fn config(mode: Mode) -> DeadlineConfig {
    DeadlineConfig::default().timeout(TIMEOUT).mode(mode)
}
