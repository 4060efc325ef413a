use std::time::Duration;

use buttress_core::Criticality::{Critical, High, Low, Medium};
use buttress_core::Ratio;
use buttress_core::shares::{Shares, SharesConfig, Tenants, TenantsConfig};

#[test]
fn shares_that_cannot_be_given_are_rejected_by_name() {
    let config = SharesConfig::default();
    let none = [Low, Medium, High, Critical]
        .into_iter()
        .fold(config, |config, c| config.share(c, Ratio::ZERO));
    for (config, field, value) in [
        (
            config.share(Low, Ratio::percent(31)),
            "shares",
            "101% in all",
        ),
        (none, "shares", "0% in all"),
        (
            config.reservation_ttl(Duration::from_millis(9)),
            "shares.reservation_ttl",
            "9ms",
        ),
        (
            config.reservation_ttl(Duration::MAX),
            "shares.reservation_ttl",
            &format!("{:?}", Duration::MAX),
        ),
    ] {
        let error = config.check().unwrap_err();
        assert_eq!((error.field(), error.value()), (field, value));
        assert_eq!(Shares::new(config).unwrap_err(), error);
    }
}

#[test]
fn shares_may_come_to_the_whole_in_thirds() {
    let third = Ratio::new(1.0 / 3.0).unwrap();
    let config = SharesConfig::default()
        .share(Critical, Ratio::ZERO)
        .share(High, third)
        .share(Medium, third)
        .share(Low, third);
    config.check().unwrap();
}

#[test]
fn what_is_rejected_changes_nothing() {
    let mut shares = Shares::new(SharesConfig::default()).unwrap();
    let before = format!("{shares:?}");
    let too_much = SharesConfig::default().share(Low, Ratio::ONE);
    assert!(shares.reconfigure(too_much).is_err());
    assert_eq!(format!("{shares:?}"), before);

    let mut tenants = Tenants::new(TenantsConfig::default().buckets(64), 1).unwrap();
    let before = format!("{tenants:?}");
    let others = TenantsConfig::default().buckets(128);
    assert_eq!(
        tenants.reconfigure(others).unwrap_err().bound(),
        "64, as it was made"
    );
    assert_eq!(format!("{tenants:?}"), before);
    tenants
        .reconfigure(TenantsConfig::default().buckets(64).borrow_factor(3.0))
        .unwrap();
    assert_eq!(tenants.level(tenants.tenant(b"new"), 10), 35);
}

#[test]
fn tenants_that_cannot_be_distinguished_are_rejected_by_name() {
    let config = TenantsConfig::default();
    for (config, field) in [
        (config.borrow_factor(-0.1), "tenants.borrow_factor"),
        (config.borrow_factor(f64::NAN), "tenants.borrow_factor"),
        (config.buckets(0), "tenants.buckets"),
        (config.buckets(u32::MAX), "tenants.buckets"),
        (
            config.reservation_ttl(Duration::MAX),
            "tenants.reservation_ttl",
        ),
        // With a zero duration, of two tenants that alternate each would be taken for the only one.
        (
            config.reservation_ttl(Duration::ZERO),
            "tenants.reservation_ttl",
        ),
    ] {
        assert_eq!(config.check().unwrap_err().field(), field);
        assert!(Tenants::new(config, 1).is_err());
    }
}
