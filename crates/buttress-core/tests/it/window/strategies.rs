//! Arbitrary windows, calls and pauses.

use std::time::Duration;

use buttress_core::window::{Mark, Window};
use proptest::prelude::*;

pub(crate) const DAY: u64 = 24 * 60 * 60 * 1_000_000_000;

pub(crate) fn mark() -> impl Strategy<Value = Mark> {
    // Mostly successes, so that runs of them between two marked calls occur.
    prop_oneof![
        3 => Just(Mark::default()),
        1 => any::<(bool, bool)>().prop_map(|(failed, slow)| Mark { failed, slow }),
    ]
}

/// The time until the next call: no pause, jitter of nanoseconds, gaps of about a bucket and about a window, and jumps.
pub(crate) fn pause() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => Just(0),
        4 => 0..10_u64,
        4 => 0..1_000_000_u64,
        4 => 0..2_000_000_000_u64,
        2 => 0..30_000_000_000_u64,
        1 => Just(30 * DAY),
    ]
}

pub(crate) fn count_window() -> impl Strategy<Value = Window> {
    prop_oneof![1..4_u32, 1..50_u32, Just(Window::MAX_COUNT)].prop_map(Window::Count)
}

pub(crate) fn time_window() -> impl Strategy<Value = Window> {
    // Includes lengths that are not divisible by sixteen.
    prop_oneof![
        Just(Duration::from_millis(100)),
        Just(Duration::from_secs(10)),
        (100_000_000..20_000_000_000_u64).prop_map(Duration::from_nanos),
        Just(Window::MAX_TIME),
    ]
    .prop_map(Window::Time)
}

pub(crate) fn window() -> impl Strategy<Value = Window> {
    prop_oneof![count_window(), time_window()]
}
