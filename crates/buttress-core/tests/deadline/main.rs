//! Time given and time taken, by tables and against the sums a reader would do by hand.
#![cfg(not(buttress_loom))]
#![allow(
    clippy::disallowed_methods,
    reason = "a test needs some moment to begin at"
)]

mod egress;
mod ingress;

use std::time::Duration;

use proptest::prelude::*;

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Short times, so that they meet, and the ones where sums go wrong.
fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        8 => (0..20_u64).prop_map(millis),
        1 => Just(Duration::from_nanos(1)),
        1 => Just(Duration::from_nanos(1 << 63)),
        1 => Just(Duration::MAX),
    ]
}
