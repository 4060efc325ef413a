//! How overload responses and timeouts change a limit.

use std::time::{Duration, Instant};

use buttress_core::limit::{Limit, LimitConfig, Sample};
use buttress_core::{FailureKind, Outcome};

const OVERLOAD: Outcome = Outcome::Failure(FailureKind::Overload);

/// Calls of 48 ms at the rate that keeps `load` of them in flight, or as many as the limit allows. One call in `of`
/// gets an overload response.
fn feed(limit: &Limit, load: u64, of: u64) -> u64 {
    let mut now = Instant::now();
    let mut least = limit.limit();
    for n in 0..200_000_u64 {
        let in_flight = limit.limit().min(load);
        now += Duration::from_millis(48) / u32::try_from(in_flight).expect("valid");
        let outcome = if n % of == 0 {
            OVERLOAD
        } else {
            Outcome::Success
        };
        let sample = Sample::of(outcome, Duration::from_millis(48), in_flight).expect("valid");
        limit.on_sample(|| now, sample.at_limit(in_flight == limit.limit()));
        least = least.min(limit.limit());
    }
    least
}

#[test]
fn overload_answers_bring_no_limit_below_what_is_in_use() {
    for config in [
        LimitConfig::guarded(),
        LimitConfig::aimd(Duration::from_secs(1)),
        LimitConfig::vegas(),
        LimitConfig::gradient(),
    ] {
        for load in [20, 60] {
            let limit =
                Limit::new(config.clone().initial(100).max(100), Instant::now()).expect("valid");
            let least = feed(&limit, load, 7);
            assert!(least >= load, "{config:?}: {least} with {load} in use");
        }
    }
}

#[test]
fn the_default_bears_overload_answers_that_a_lower_limit_does_not_change() {
    let limit =
        Limit::new(LimitConfig::guarded().initial(100).max(100), Instant::now()).expect("valid");
    let least = feed(&limit, 1_000, 7);
    assert!(least >= 40, "{least}");
    assert!(limit.limit() >= 80, "{}", limit.limit());
}

#[test]
fn the_default_follows_overload_answers_to_the_limit_of_the_service() {
    let mut now = Instant::now();
    let limit = Limit::new(LimitConfig::guarded().initial(100).max(100), now).expect("valid");
    // The service accepts forty calls, and rejects the others late.
    let mut credit = 0.0;
    let mut sum = 0;
    for n in 0..200_000_u64 {
        let in_flight = limit.limit();
        now += Duration::from_millis(48) / u32::try_from(in_flight).expect("valid");
        credit += 40.0 / in_flight as f64;
        let outcome = if credit >= 1.0 {
            Outcome::Success
        } else {
            OVERLOAD
        };
        credit = if credit >= 1.0 { credit - 1.0 } else { credit }.min(1.0);
        let sample = Sample::of(outcome, Duration::from_millis(48), in_flight).expect("valid");
        limit.on_sample(|| now, sample.at_limit(true));
        if n >= 100_000 {
            sum += limit.limit();
        }
    }
    let mean = sum as f64 / 100_000.0;
    assert!((30.0..70.0).contains(&mean), "{mean}");
}
