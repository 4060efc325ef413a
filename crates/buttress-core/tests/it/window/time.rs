//! How long a time window counts a call.

use buttress_core::window::Window;
use proptest::prelude::*;

use super::reference::bucket_nanos;
use super::strategies::{DAY, time_window};
use super::{FAILED, GOOD, Sliding};

proptest! {
    /// The span is between the window less one bucket and the window. The budget of tower 0.5.3 with a ttl of 10 s has
    /// a span from 6 to 12 s, depending only on the spacing of calls.
    #[test]
    fn a_call_is_remembered_for_a_window_less_at_most_a_bucket(
        window in time_window(),
        at in 0..30 * DAY,
        mark in prop_oneof![Just(GOOD), Just(FAILED)],
        other in 0..2 * DAY,
    ) {
        let bucket = bucket_nanos(window);
        let remembered = |after: u64| {
            let mut sliding = Sliding::new(window);
            sliding.record(at, mark);
            sliding.counts(at + after).calls == 1
        };
        prop_assert!(remembered(15 * bucket));
        prop_assert!(!remembered(16 * bucket));
        // A call that is no longer counted is never counted again, and the boundary is exact to the nanosecond.
        let boundary = (at / bucket + 16) * bucket;
        prop_assert!(remembered(boundary - 1 - at));
        prop_assert!(!remembered(boundary - at));
        prop_assert_eq!(remembered(other), at + other < boundary);
    }
}

/// The metrics of tower-resilience report expired records indefinitely (defect B22).
#[test]
fn a_look_alone_lets_calls_expire() {
    let mut sliding = Sliding::new(Window::Time(std::time::Duration::from_secs(16)));
    sliding.record(0, FAILED);
    sliding.record(0, GOOD);
    assert_eq!(sliding.counts(15_999_999_999).calls, 2);
    assert_eq!(sliding.counts(16_000_000_000).calls, 0);
}

#[test]
fn a_success_of_an_earlier_generation_is_not_counted() {
    let mut sliding = Sliding::new(Window::Time(std::time::Duration::from_secs(16)));
    let before = sliding.successes.generation();
    sliding.record(0, GOOD);
    sliding.clear();
    sliding.successes.add(before, 1);
    assert_eq!(sliding.counts(2).calls, 0);
    sliding.record(2, GOOD);
    sliding.successes.add(before, 3);
    assert_eq!(sliding.counts(3).calls, 1);
}

#[test]
fn a_window_is_taken_up_to_its_bounds_and_no_further() {
    use std::time::Duration;

    let nano = Duration::from_nanos(1);
    let (min, max) = (Window::MIN_TIME, Window::MAX_TIME);
    assert_eq!(max, Duration::from_secs(86_400));
    for (window, good) in [
        (Window::Count(0), false),
        (Window::Count(1), true),
        (Window::Count(Window::MAX_COUNT), true),
        (Window::Count(Window::MAX_COUNT + 1), false),
        (Window::Time(min - nano), false),
        (Window::Time(min), true),
        (Window::Time(max), true),
        (Window::Time(max + nano), false),
    ] {
        assert_eq!(window.check("window").is_ok(), good, "{window}");
    }
}
