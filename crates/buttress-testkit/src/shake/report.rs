use std::fmt;

use super::invariants::{self, TestCounts};

/// The result of fuzzing a stack.
#[must_use]
#[derive(Debug, Clone)]
pub struct FuzzReport {
    name: String,
    pub(super) seeds: usize,
    pub(super) failures: Vec<FuzzFailure>,
    pub(super) tested: TestCounts,
}

/// An invariant that did not hold, and the seed that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FuzzFailure {
    /// The seed of the history.
    pub seed: u64,
    /// The name of the invariant.
    pub invariant: &'static str,
    /// What should have been seen.
    pub expected: String,
    /// What was seen.
    pub seen: String,
    /// The last events before the failure.
    pub events: Vec<String>,
}

impl FuzzReport {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            seeds: 0,
            failures: Vec::new(),
            tested: TestCounts::default(),
        }
    }

    /// Passes if all invariants held under every seed.
    ///
    /// # Panics
    ///
    /// If an invariant did not hold, with its seed.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.failures.is_empty(), "\n{self}");
    }

    /// The failures: the first one for each seed.
    #[must_use]
    pub fn failures(&self) -> &[FuzzFailure] {
        &self.failures
    }

    /// The number of tests of the invariant with this name: 0 if no situation that it applies to occurred, or the stack
    /// does not declare what it needs.
    #[must_use]
    pub fn tested(&self, invariant: &str) -> u64 {
        self.tested.times(invariant)
    }

    /// The names of the invariants that failed under some seed, each once, in their order.
    #[must_use]
    pub fn broken(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self
            .failures
            .iter()
            .map(|tremor| tremor.invariant)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl FuzzFailure {
    pub(super) fn new(
        seed: u64,
        invariant: &'static str,
        expected: String,
        seen: String,
        log: &[String],
    ) -> Self {
        Self {
            seed,
            invariant,
            expected,
            seen,
            events: log[log.len().saturating_sub(LAST)..].to_vec(),
        }
    }
}

impl fmt::Display for FuzzReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, seeds, broke) = (&self.name, self.seeds, self.failures.len());
        writeln!(f, "{name}: shaken with {seeds} seeds, broke under {broke}")?;
        for (invariant, statement) in invariants::ALL {
            let broke = self.failures.iter().filter(|t| t.invariant == *invariant);
            let verdict = match (self.tested(invariant), broke.count()) {
                (0, 0) => "not tested".to_owned(),
                (times, 0) => format!("tested {times} times"),
                (times, broke) => format!("tested {times} times, broke under {broke} seeds"),
            };
            writeln!(f, "  {invariant}  {statement}: {verdict}")?;
        }
        for tremor in &self.failures {
            writeln!(f, "  seed {}: {}", tremor.seed, tremor.invariant)?;
        }
        self.failures.first().map_or(Ok(()), |tremor| tremor.fmt(f))
    }
}

impl fmt::Display for FuzzFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, {}", self.seed, self.invariant)?;
        writeln!(f, "  expected  {}", self.expected)?;
        writeln!(f, "  seen      {}", self.seen)?;
        self.events
            .iter()
            .try_for_each(|event| writeln!(f, "  … {event}"))
    }
}

/// The number of events in the report of a failure.
const LAST: usize = 12;
