//! A window whose span changes keeps its calls.

use buttress_core::window::{Mark, Window};
use proptest::prelude::*;

use super::reference::{Reference, bucket_nanos, sum};
use super::strategies::{count_window, mark, pause, time_window};
use super::{FAILED, GOOD, Sliding};

/// A window with these calls, its reference, and the current time.
fn filled(window: Window, calls: &[(u64, Mark)]) -> (Sliding, Reference, u64) {
    let mut sliding = Sliding::new(window);
    let mut reference = Reference::new(window);
    let mut now = 0;
    for &(pause, mark) in calls {
        now += pause;
        sliding.record(now, mark);
        reference.record(now, mark);
    }
    (sliding, reference, now)
}

proptest! {
    #[test]
    fn a_count_window_keeps_its_latest(
        from in count_window(),
        to in count_window(),
        before in prop::collection::vec((pause(), mark()), 0..150),
        after in prop::collection::vec(mark(), 0..150),
    ) {
        let (mut sliding, mut reference, now) = filled(from, &before);
        let Window::Count(size) = to else { unreachable!() };
        sliding.resize(to, now);
        reference.resize_count(size);
        prop_assert_eq!(sliding.counts(now), reference.counts(now));
        for mark in after {
            sliding.record(now, mark);
            reference.record(now, mark);
            prop_assert_eq!(sliding.counts(now), reference.counts(now));
        }
    }

    /// Of the calls within the new window, only those that share a bucket with an older call may be lost; no older call
    /// is kept.
    #[test]
    fn a_time_window_is_the_same_within_one_bucket(
        from in time_window(),
        to in time_window(),
        calls in prop::collection::vec((pause(), mark()), 1..150),
        later in pause(),
    ) {
        let (mut sliding, mut reference, end) = filled(from, &calls);
        let now = end + later;
        let held = reference.counts(now);
        sliding.resize(to, now);

        let oldest = reference.edge(from).max(reference.edge(to));
        let most = sum(reference.since(oldest));
        let least = sum(reference.since(oldest + bucket_nanos(from)));
        let kept = sliding.counts(now);
        if reference.edge(to) + bucket_nanos(from) <= reference.edge(from) {
            prop_assert_eq!(kept, held);
        }
        prop_assert!(least.calls <= kept.calls && kept.calls <= most.calls);
        prop_assert!(least.failures <= kept.failures && kept.failures <= most.failures);
        prop_assert!(least.slow <= kept.slow && kept.slow <= most.slow);
    }

    #[test]
    fn from_time_to_count_the_shares_stay_within_one_call(
        from in time_window(),
        to in count_window(),
        calls in prop::collection::vec((pause(), mark()), 1..150),
    ) {
        let (mut sliding, mut reference, now) = filled(from, &calls);
        let held = reference.counts(now);
        sliding.resize(to, now);
        let kept = sliding.counts(now);
        let Window::Count(size) = to else { unreachable!() };
        prop_assert_eq!(kept.calls, held.calls.min(u64::from(size)));
        for (part, whole) in [(kept.failures, held.failures), (kept.slow, held.slow)] {
            prop_assert!((part * held.calls).abs_diff(whole * kept.calls) <= held.calls);
        }
    }

    #[test]
    fn from_count_to_time_the_sums_move_over(
        from in count_window(),
        to in time_window(),
        calls in prop::collection::vec((pause(), mark()), 1..150),
        later in pause(),
    ) {
        let (mut sliding, mut reference, end) = filled(from, &calls);
        let now = end + later;
        let held = reference.counts(now);
        sliding.resize(to, now);
        prop_assert_eq!(sliding.counts(now), held);
        prop_assert_eq!(sliding.counts(now + 16 * bucket_nanos(to)).calls, 0);
    }
}

#[test]
fn a_count_window_that_grows_does_not_take_what_it_forgot_for_successes() {
    let mut sliding = Sliding::new(Window::Count(10));
    (0..1_000).for_each(|at| sliding.record(at, FAILED));
    sliding.resize(Window::Count(100), 1_000);
    let counts = sliding.counts(1_000);
    assert_eq!((counts.calls, counts.failures), (10, 10));
    sliding.record(1_001, GOOD);
    assert_eq!(sliding.counts(1_001).calls, 11);
}
