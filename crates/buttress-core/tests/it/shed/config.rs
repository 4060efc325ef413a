//! All parts of a configuration are checked, and a rejected configuration changes nothing.

use std::time::{Duration, Instant};

use buttress_core::limit::LimitConfig;
use buttress_core::queue::{ControlledDelay, Order, QueueConfig};
use buttress_core::shares::{SharesConfig, TenantsConfig};
use buttress_core::shed::{Shed, ShedConfig};
use buttress_core::{Mode, PressureConfig, Ratio, ThrottleConfig};

#[test]
fn what_is_wrong_with_a_part_is_rejected_by_its_name() {
    let config = ShedConfig::default;
    let zero = Duration::ZERO;
    for (bad, field) in [
        (config().limit(0), "limit"),
        (config().queue(QueueConfig::MAX_CAPACITY + 1), "queue"),
        (config().max_wait(zero), "max_wait"),
        (
            config().order(Order::AdaptiveLifo {
                congested_after: zero,
            }),
            "congested_after",
        ),
        (
            config().controlled_delay(ControlledDelay::default().target(zero)),
            "controlled_delay.target",
        ),
        (
            config().shares(SharesConfig::default().reservation_ttl(zero)),
            "shares.reservation_ttl",
        ),
        (
            config().tenants(TenantsConfig::default().buckets(0)),
            "tenants.buckets",
        ),
        (
            config().throttle(ThrottleConfig::default().floor(0)),
            "throttle.floor",
        ),
        (
            config().pressure(PressureConfig::default().memory(Ratio::ZERO, Ratio::ONE)),
            "pressure.memory",
        ),
    ] {
        let now = Instant::now();
        let error = Shed::new(bad.clone(), 7, now).expect_err(field);
        assert_eq!(error.field(), field);
        let shed = Shed::new(config(), 7, now).expect("valid");
        assert_eq!(shed.reconfigure(bad, now), Err(error));
        assert_eq!(shed.config(), config());
    }
}

#[test]
fn each_value_of_a_configuration_is_kept() {
    let default = ShedConfig::default();
    let off = default
        .clone()
        .max_wait(None)
        .throttle(ThrottleConfig::default())
        .tenants(TenantsConfig::default())
        .shares(SharesConfig::default());
    // No two of these configurations are equal. The first is the default.
    let changed = [
        default.clone(),
        default.clone().limit(LimitConfig::vegas()),
        default.clone().no_limit(),
        default.clone().queue(7),
        default.clone().max_wait(None),
        default.clone().max_wait(Duration::from_secs(7)),
        default.clone().order(Order::Lifo),
        default.clone().by_criticality(false),
        default.clone().controlled_delay(ControlledDelay::default()),
        default.clone().shares(SharesConfig::default()),
        default.clone().tenants(TenantsConfig::default()),
        default.clone().margin(Duration::from_secs(7)),
        default.clone().throttle(ThrottleConfig::default()),
        default
            .clone()
            .pressure(PressureConfig::default().memory(Ratio::HALF, Ratio::ONE)),
        default.clone().mode(Mode::Off),
        off,
    ];
    for (i, one) in changed.iter().enumerate() {
        for other in &changed[..i] {
            assert_ne!(one, other);
        }
    }
}
