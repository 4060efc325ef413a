//! The delay before a hedge.

use std::time::Duration;

use buttress_core::hedge::{HedgeDelay, HedgeRule};
use buttress_core::{LatencyQuantiles, Ratio};
use proptest::prelude::*;

use super::{at, hedge};

proptest! {
    /// The delay is the quantile of the calls, within its bounds, and at most a 64th of the window old.
    #[test]
    fn the_delay_is_a_quantile_within_its_bounds(
        extra in 0..=100_u8,
        least in 0..50_u64,
        most in proptest::option::of(50..500_u64),
        minimum in 1..50_u32,
        calls in proptest::collection::vec((0..100_u64, 0..1_000_u64), 1..200),
    ) {
        let window = Duration::from_secs(6);
        let rule = HedgeRule::default()
            .extra(Ratio::percent(extra))
            .min_delay(Duration::from_millis(least))
            .max_delay(most.map(Duration::from_millis))
            .minimum_calls(minimum)
            .window(window);
        let hedge = hedge(rule);
        let model = LatencyQuantiles::new(window, at(Duration::ZERO)).expect("valid");
        let slowest = Ratio::new(1.0 - f64::from(extra) / 100.0).expect("a share");
        let expected = |now| {
            let known = model.calls(now) >= u64::from(minimum);
            let delay = model.quantile(slowest, now).filter(|_| known)?;
            let delay = delay.max(Duration::from_millis(least));
            Some(most.map_or(delay, |most| delay.min(Duration::from_millis(most))))
        };
        let (mut now, mut learned, mut stale_at) = (Duration::ZERO, None, Duration::ZERO);
        for (pause, latency) in calls {
            now += Duration::from_millis(pause);
            hedge.record(Duration::from_millis(latency), true, at(now));
            model.record(Duration::from_millis(latency), at(now));
            if now >= stale_at {
                learned = expected(at(now));
                stale_at = now + window / 64;
            }
            prop_assert_eq!(hedge.delay(at(now)), learned);
        }
    }
}

#[test]
fn there_is_no_delay_before_there_are_calls_enough() {
    let hedge = hedge(
        HedgeRule::default()
            .minimum_calls(3)
            .window(Duration::from_secs(4)),
    );
    for call in 0..3 {
        let now = at(Duration::from_secs(call) / 2);
        assert_eq!(hedge.delay(now), None);
        hedge.record(Duration::from_millis(10), true, now);
    }
    assert!(hedge.delay(at(Duration::from_secs(2))).is_some());
    // There is none either after the calls have left the window.
    assert_eq!(hedge.delay(at(Duration::from_secs(60))), None);
}

#[test]
fn a_new_rule_holds_at_once_and_keeps_what_was_learned() {
    let now = at(Duration::from_secs(1));
    let hedge = hedge(HedgeRule::default());
    (1..=100).for_each(|millis| hedge.record(Duration::from_millis(millis), true, now));
    let millis = |hedge: &HedgeDelay| hedge.delay(now).map(|delay| delay.as_millis());
    assert_eq!(millis(&hedge), Some(96));
    let half = HedgeRule::default().extra(Ratio::HALF);
    hedge.reconfigure(half, now).expect("valid");
    assert_eq!(millis(&hedge), Some(50));
    hedge
        .reconfigure(half.max_delay(Duration::from_millis(20)), now)
        .expect("valid");
    assert_eq!(millis(&hedge), Some(20));
    // A different window starts empty.
    hedge
        .reconfigure(half.window(Duration::from_secs(5)), now)
        .expect("valid");
    assert_eq!(millis(&hedge), None);
}

#[test]
fn what_cannot_work_is_rejected_by_field_value_and_bound() {
    let default = HedgeRule::default;
    let cases = [
        (
            default().minimum_calls(0),
            "hedge.minimum_calls is 0, but must be at least 1",
        ),
        (
            default().max_delay(Duration::from_secs(601)),
            "hedge.max_delay is 601s, but must be at most 600s",
        ),
        (
            default()
                .min_delay(Duration::from_secs(2))
                .max_delay(Duration::from_secs(1)),
            "hedge.min_delay is 2s, but must be at most 1s",
        ),
        (
            default().window(Duration::ZERO),
            "hedge.window is 0ns, but must be from 1s to 3600s",
        ),
    ];
    for (rule, message) in cases {
        let error = HedgeDelay::new(rule, at(Duration::ZERO)).expect_err(message);
        assert_eq!(error.to_string(), message);
        let good = hedge(default());
        assert_eq!(good.reconfigure(rule, at(Duration::ZERO)), Err(error));
    }
}

#[test]
fn a_delay_is_taken_up_to_its_bounds() {
    let most = HedgeRule::MAX_DELAY;
    for rule in [
        HedgeRule::default().minimum_calls(1),
        HedgeRule::default().max_delay(most),
        HedgeRule::default().min_delay(most),
        HedgeRule::default().min_delay(most).max_delay(most),
    ] {
        assert_eq!(rule.check(), Ok(()), "{rule:?}");
    }
    let rule = HedgeRule::default().min_delay(most + Duration::from_nanos(1));
    assert_eq!(
        rule.check().expect_err("too long").field(),
        "hedge.min_delay"
    );
}
