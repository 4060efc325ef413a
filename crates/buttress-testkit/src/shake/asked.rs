use std::collections::BTreeMap;

/// What shaking asks, in the order of the report: its name, and what must hold.
pub(super) const ALL: &[(&str, &str)] = &[
    ("R1", "no service is called that was not ready"),
    (
        "R8",
        "no caller waits while a slot is free, and every patient caller finishes",
    ),
    ("A1", "when no caller is left, nothing is"),
    (
        "A2",
        "a waiter that gives up neither blocks nor reorders the others",
    ),
    ("A3", "afterwards just as many fit as before"),
    ("A4", "no panic but those of the plan"),
    ("A5", "no success where the inner service had none"),
    ("A6", "never more inside than there is room for"),
    (
        "A7",
        "a new capacity applies at once, ends no call and wakes as many waiters as fit",
    ),
    (
        "A8",
        "a body is given on as it is, and one that broke off does not end well",
    ),
    ("A9", "nothing is kept of callers that left"),
    ("X2", "the same seed is the same history, event by event"),
];

/// How often each invariant was tested: a stack without a queue is never tested for its waiters.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked(BTreeMap<&'static str, u64>);

impl Asked {
    /// Once more.
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
