use std::collections::BTreeMap;

/// What shaking asks, in the order of the report: its name, and what must hold.
pub(super) const ALL: &[(&str, &str)] = &[
    ("R1", "nobody is called who was not ready"),
    (
        "R8",
        "nobody waits while a place is free, and whoever is patient comes to an end",
    ),
    ("A1", "when nobody is left, nothing is"),
    (
        "A2",
        "whoever gives up waiting neither blocks nor reorders the others",
    ),
    ("A3", "afterwards just as many fit as before"),
    ("A4", "no panic but those of the plan"),
    ("A5", "no success where the inner service had none"),
    ("A6", "never more inside than there is room for"),
    (
        "A7",
        "a new capacity holds from then on, kills nobody and wakes whom it has room for",
    ),
    (
        "A8",
        "a body is given on as it is, and one that broke off does not end well",
    ),
    ("A9", "nothing is kept of those who left"),
    ("X2", "the same seed is the same history, event by event"),
];

/// How often each invariant was put to the test: a stack without a queue is never asked how it treats those who wait.
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
