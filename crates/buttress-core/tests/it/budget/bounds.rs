//! The configurations that are valid, up to each of the bounds.

use std::time::Duration;

use buttress_core::budget::BudgetConfig;

const NANO: Duration = Duration::from_nanos(1);

fn refused(config: &BudgetConfig) -> Option<&'static str> {
    config.check().err().map(|error| error.field())
}

#[test]
fn each_value_is_taken_up_to_its_bounds_and_no_further() {
    let config = BudgetConfig::default;
    let (min, max) = (BudgetConfig::MIN_TTL, BudgetConfig::MAX_TTL);
    for good in [
        config().ratio(0.0),
        config().ratio(BudgetConfig::MAX_RATIO),
        config().floor_ratio(0.0),
        config().floor_ratio(1.0),
        config().floor_per_second(BudgetConfig::MAX_FLOOR),
        config().ttl(min),
        config().ttl(max),
        config().in_flight_floor(1),
    ] {
        assert_eq!(refused(&good), None, "{good:?}");
    }
    for (bad, field) in [
        (config().ttl(min - NANO), "budget.ttl"),
        (config().ttl(max + NANO), "budget.ttl"),
        (
            config().floor_per_second(BudgetConfig::MAX_FLOOR + 1),
            "budget.floor_per_second",
        ),
    ] {
        assert_eq!(refused(&bad), Some(field));
    }
}
