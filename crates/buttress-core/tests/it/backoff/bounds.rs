//! Every wait is within its bounds.

use std::time::Duration;

use buttress_core::{Backoff, Jitter};
use proptest::prelude::*;

const JITTERS: [Jitter; 4] = [
    Jitter::Decorrelated,
    Jitter::Equal,
    Jitter::Full,
    Jitter::None,
];

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::from_nanos(1)),
        Just(Duration::MAX),
        any::<u32>().prop_map(|nanos| Duration::from_nanos(nanos.into())),
        (0..200_000_u64).prop_map(Duration::from_millis),
    ]
}

fn draw() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(u64::MAX), any::<u64>()]
}

proptest! {
    /// For any number of retries, a zero base and an unlimited cap: also values that `check` would reject.
    #[test]
    fn every_wait_is_within_its_formula(
        base in time(),
        cap in time(),
        retries in prop_oneof![0..70_u32, any::<u32>(), Just(u32::MAX)],
        before in time(),
        draw in draw(),
    ) {
        // The longest time that can be represented is 584 years.
        let longest = Duration::from_nanos(u64::MAX);
        let (base, cap) = (base.min(longest), cap.min(longest));
        let factor = 2_f64.powi(retries.min(200) as i32);
        let grown = Duration::try_from_secs_f64(base.as_secs_f64() * factor).unwrap_or(longest);
        let grown = grown.min(cap);
        // This test computes the formula in floating point, so the comparison allows for rounding.
        let slack = grown / 1_000_000_000 + Duration::from_nanos(2);
        for jitter in JITTERS {
            let backoff = Backoff::default().base(base).cap(cap).jitter(jitter);
            let wait = backoff.wait(retries, before, draw);
            let (least, most) = match jitter {
                Jitter::None => (grown, grown),
                Jitter::Full => (Duration::ZERO, grown),
                Jitter::Equal => (grown / 2, grown),
                Jitter::Decorrelated => {
                    let most = before.max(base).saturating_mul(3).min(cap);
                    (base.min(cap), most.max(base.min(cap)))
                }
            };
            prop_assert!(wait <= cap);
            prop_assert!(wait + slack >= least, "{jitter:?}: {wait:?} < {least:?}");
            prop_assert!(wait <= most + slack, "{jitter:?}: {wait:?} > {most:?}");
        }
    }
}

#[test]
fn waits_double_up_to_the_cap() {
    let backoff = Backoff::default()
        .base(Duration::from_millis(50))
        .cap(Duration::from_secs(1))
        .jitter(Jitter::None);
    let waits = [0, 1, 2, 3, 4, 5, 60, u32::MAX]
        .map(|retries| backoff.wait(retries, Duration::ZERO, 7).as_millis());
    assert_eq!(waits, [50, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
}

/// The presets of tower-resilience add their jitter after the cap: 749 ms where the cap is 500 (its defect R08).
#[test]
fn the_cap_holds_after_the_jitter() {
    let backoff = Backoff::default().cap(Duration::from_millis(500));
    for jitter in JITTERS {
        let wait = backoff
            .jitter(jitter)
            .wait(20, Duration::from_secs(9), u64::MAX);
        assert!(wait <= Duration::from_millis(500), "{jitter:?}: {wait:?}");
    }
}

#[test]
fn what_cannot_work_is_rejected_by_field_value_and_bound() {
    let default = Backoff::default;
    let cases = [
        (
            default().cap(Duration::MAX),
            "backoff.cap is 18446744073709551615.999999999s, but must be at most 86400s",
        ),
        (
            default().base(Duration::from_secs(6)),
            "backoff.base is 6s, but must be at most backoff.cap, 5s",
        ),
    ];
    for (backoff, message) in cases {
        assert_eq!(backoff.check().expect_err(message).to_string(), message);
    }
    assert_eq!(
        default().base(Duration::ZERO).cap(Duration::ZERO).check(),
        Ok(())
    );
}
