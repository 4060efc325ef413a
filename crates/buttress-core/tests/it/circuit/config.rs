//! The configurations that are valid, up to each of the bounds.

use std::time::Duration;

use buttress_core::Ratio;
use buttress_core::circuit::{BreakerConfig, Circuit, OpenDuration};
use buttress_core::window::Window;

use crate::circuit::epoch;

const NANO: Duration = Duration::from_nanos(1);
const DAY: Duration = Duration::from_secs(86_400);

/// A duration in a configuration: its name, and a function that sets it.
type Timed = (&'static str, fn(BreakerConfig, Duration) -> BreakerConfig);

const DURATIONS: [Timed; 9] = [
    ("slow_calls.threshold", |config, time| {
        config.slow_calls(time, Ratio::HALF)
    }),
    ("open_for", |config, time| {
        config.open_for(OpenDuration::Fixed(time))
    }),
    ("open_for.initial", |config, time| {
        config.open_for(proportional(time, DAY))
    }),
    ("open_for.max", |config, time| {
        config.open_for(proportional(NANO, time))
    }),
    ("retry_after_cap", BreakerConfig::retry_after_cap),
    ("probe_timeout", BreakerConfig::probe_timeout),
    ("half_open_timeout", BreakerConfig::half_open_timeout),
    ("ramp.over", |config, time| config.ramp(time, Ratio::HALF)),
    ("attempt_timeout", BreakerConfig::attempt_timeout),
];

fn proportional(initial: Duration, max: Duration) -> OpenDuration {
    OpenDuration::Proportional {
        initial,
        share: Ratio::HALF,
        max,
        jitter: Ratio::ZERO,
    }
}

fn refused(config: &BreakerConfig) -> Option<&'static str> {
    config.check().err().map(|error| error.field())
}

#[test]
fn a_duration_is_above_zero_and_at_most_a_day() {
    assert_eq!(BreakerConfig::MAX_TIME, DAY);
    for (field, with) in DURATIONS {
        let config = |time| with(BreakerConfig::default(), time);
        for time in [NANO, DAY] {
            assert_eq!(refused(&config(time)), None, "{field} of {time:?}");
        }
        for time in [Duration::ZERO, DAY + NANO] {
            assert_eq!(refused(&config(time)), Some(field), "{time:?}");
        }
    }
}

#[test]
fn an_open_time_begins_at_most_at_its_maximum() {
    let config = |initial| BreakerConfig::default().open_for(proportional(initial, DAY / 2));
    assert_eq!(refused(&config(DAY / 2)), None);
    assert_eq!(refused(&config(DAY / 2 + NANO)), Some("open_for.initial"));
}

#[test]
fn a_count_is_at_least_one_and_fits() {
    let config = BreakerConfig::default;
    let most = BreakerConfig::MAX_PROBES;
    let of_four = || config().window(Window::Count(4));
    for good in [
        config().minimum_calls(1),
        of_four().minimum_calls(4),
        config().consecutive_failures(1),
        config().probes(1),
        config().probes(most),
    ] {
        assert_eq!(refused(&good), None, "{good:?}");
    }
    for (bad, field) in [
        (config().window(Window::Count(0)), "window"),
        (config().minimum_calls(0), "minimum_calls"),
        (of_four().minimum_calls(5), "minimum_calls"),
        (config().consecutive_failures(0), "consecutive_failures"),
        (config().probes(0), "probes"),
        (config().probes(most + 1), "probes"),
    ] {
        assert_eq!(refused(&bad), Some(field));
    }
}

#[test]
fn a_ratio_is_above_zero() {
    let config = BreakerConfig::default;
    for (bad, field) in [
        (config().failure_ratio(Ratio::ZERO), "failure_ratio"),
        (config().slow_calls(NANO, Ratio::ZERO), "slow_calls.ratio"),
        (
            config().probe_failure_ratio(Ratio::ZERO),
            "probe_failure_ratio",
        ),
        (config().ramp(NANO, Ratio::ZERO), "ramp.from"),
    ] {
        assert_eq!(refused(&bad), Some(field));
    }
}

#[test]
fn what_is_turned_off_is_not_checked() {
    let off = BreakerConfig::default()
        .failure_ratio(None)
        .consecutive_failures(None)
        .retry_after_cap(None)
        .attempt_timeout(None);
    assert_eq!(refused(&off), None);
}

#[test]
fn a_circuit_takes_nothing_that_is_rejected_and_keeps_what_it_had() {
    let bad = BreakerConfig::default().probes(0);
    assert!(Circuit::new(bad.clone(), epoch()).is_err());
    let good = BreakerConfig::default().probes(7);
    let circuit = Circuit::new(good.clone(), epoch()).expect("valid");
    assert!(circuit.reconfigure(bad, epoch()).is_err());
    assert_eq!(circuit.config(), good);
}
