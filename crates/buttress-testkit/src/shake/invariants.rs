use std::collections::BTreeMap;

/// The invariants of the fuzzer, in the order of the report: name and statement.
pub(super) const ALL: &[(&str, &str)] = &[
    ("R1", "no service is called before it is ready"),
    (
        "R8",
        "no caller waits while a slot is free, and every caller that does not cancel finishes",
    ),
    ("A1", "when all callers have left, no state remains"),
    (
        "A2",
        "a cancelled waiter neither blocks nor reorders the others",
    ),
    ("A3", "the capacity is the same afterwards"),
    ("A4", "no panic except those of the plan"),
    ("A5", "no success unless the inner service succeeded"),
    ("A6", "never more calls inside than the capacity"),
    (
        "A7",
        "a new capacity applies at once, ends no call and wakes as many waiters as fit",
    ),
    (
        "A8",
        "a body is passed on unchanged, and one that broke off does not end normally",
    ),
    ("A9", "no state is kept for callers that left"),
    ("X2", "the same seed gives the same history, event by event"),
];

/// The number of tests of each invariant. Some invariants do not apply: a stack without a queue has no waiters.
#[derive(Debug, Clone, Default)]
pub(super) struct TestCounts(BTreeMap<&'static str, u64>);

impl TestCounts {
    /// Counts one more test of an invariant.
    pub(super) fn count(&mut self, invariant: &'static str) {
        *self.0.entry(invariant).or_default() += 1;
    }

    pub(super) fn times(&self, invariant: &str) -> u64 {
        self.0.get(invariant).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (invariant, times) in &other.0 {
            *self.0.entry(invariant).or_default() += times;
        }
    }
}
