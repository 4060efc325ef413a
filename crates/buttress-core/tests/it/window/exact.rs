//! The counts equal those of the reference, for any calls and times.

use buttress_core::window::{Mark, Window};
use proptest::prelude::*;

use super::reference::{Reference, bucket_nanos};
use super::strategies::{mark, pause, window};
use super::{FAILED, GOOD, Sliding};

#[derive(Debug, Clone)]
enum Step {
    /// A call that ended this many hundredths of a bucket before the clock, since its thread was late.
    Call {
        late: u64,
        mark: Mark,
    },
    Look,
    /// A read from a thread whose clock is behind.
    LookBack(u64),
    Clear,
}

fn step() -> impl Strategy<Value = (u64, Step)> {
    let late = prop_oneof![4 => Just(0), 1 => 0..200_u64, 1 => 0..5_000_u64];
    let step = prop_oneof![
        20 => (late, mark()).prop_map(|(late, mark)| Step::Call { late, mark }),
        4 => Just(Step::Look),
        1 => (0..60_000_000_000_u64).prop_map(Step::LookBack),
        1 => Just(Step::Clear),
    ];
    (pause(), step)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn counts_equal_those_of_brute_force(
        window in window(),
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut sliding = Sliding::new(window);
        let mut reference = Reference::new(window);
        let mut now = 0;
        for (pause, step) in steps {
            now += pause;
            match step {
                Step::Call { late, mark } => {
                    let at = now.saturating_sub(late * hundredth(window));
                    sliding.record(at, mark);
                    reference.record(at, mark);
                }
                Step::Look => prop_assert_eq!(sliding.counts(now), reference.counts(now)),
                Step::LookBack(by) => {
                    prop_assert_eq!(sliding.counts(now), reference.counts(now));
                    let back = now.saturating_sub(by);
                    prop_assert_eq!(sliding.counts(back), reference.counts(back));
                }
                Step::Clear => {
                    sliding.clear();
                    reference.clear();
                }
            }
        }
        prop_assert_eq!(sliding.counts(now), reference.counts(now));
    }

    /// No order of times panics or adds calls that were not made.
    #[test]
    fn a_clock_gone_mad_invents_nothing(
        window in window(),
        calls in prop::collection::vec((any::<u64>(), mark(), any::<u64>()), 1..100),
    ) {
        let mut sliding = Sliding::new(window);
        for (made, (at, mark, look)) in (1..).zip(calls) {
            sliding.record(at, mark);
            let counts = sliding.counts(look);
            prop_assert!(counts.calls <= made);
            prop_assert!(counts.failures <= counts.calls);
            prop_assert!(counts.slow <= counts.calls);
        }
        sliding.clear();
        prop_assert_eq!(sliding.counts(u64::MAX).calls, 0);
    }
}

/// The window of tower-resilience never removes old calls: after 10 000 successes it takes 10 000 failures to reach
/// half (defect B01), instead of the fifty that a window of a hundred takes.
#[test]
fn a_count_window_forgets_all_but_its_size() {
    let mut sliding = Sliding::new(Window::Count(100));
    (0..10_000).for_each(|at| sliding.record(at, GOOD));
    (0..50).for_each(|at| sliding.record(10_000 + at, FAILED));
    let counts = sliding.counts(20_000);
    assert_eq!((counts.calls, counts.failures), (100, 50));
}

#[test]
fn threads_lose_and_double_no_success() {
    const CALLS: u64 = 10_000;
    let mut sliding = Sliding::new(Window::Count(1_000_000));
    let successes = &sliding.successes;
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                (0..CALLS).for_each(|at| successes.add(successes.generation(), at));
            });
        }
    });
    assert_eq!(sliding.counts(0).calls, 8 * CALLS);
}

fn hundredth(window: Window) -> u64 {
    match window {
        Window::Count(_) => 1,
        Window::Time(_) => bucket_nanos(window) / 100,
    }
}
