//! Deadlines on ingress and egress: tables, and properties computed independently.
mod egress;
mod ingress;

use std::time::Duration;

use proptest::prelude::*;

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Short durations, so that their sums coincide, and those at which arithmetic overflows.
fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        8 => (0..20_u64).prop_map(millis),
        1 => Just(Duration::from_nanos(1)),
        1 => Just(Duration::from_nanos(1 << 63)),
        1 => Just(Duration::MAX),
    ]
}
