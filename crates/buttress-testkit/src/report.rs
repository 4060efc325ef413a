use std::fmt;

/// The results of the suite for one layer: one line for each invariant.
#[must_use]
#[derive(Debug, Clone)]
pub struct Report {
    layer: String,
    lines: Vec<Line>,
}

/// The result for one invariant.
#[derive(Debug, Clone)]
pub struct Line {
    /// The invariant's short name, such as `R5`.
    pub invariant: &'static str,
    /// The statement of the invariant.
    pub statement: &'static str,
    /// Whether the invariant holds.
    pub verdict: Verdict,
}

/// Whether an invariant holds. No other verdict will be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It does not hold.
    Failed {
        /// What should have been seen.
        expected: String,
        /// What was seen.
        seen: String,
    },
    /// It holds.
    Held,
    /// It does not apply, for this reason.
    NotApplicable(String),
}

impl Report {
    pub(crate) fn new(layer: String, lines: Vec<Line>) -> Self {
        Self { layer, lines }
    }

    /// Passes if nothing failed.
    ///
    /// # Panics
    ///
    /// With the whole report, if an invariant failed.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.failed().is_empty(), "\n{self}");
    }

    /// The names of the invariants that failed, in the order of the suite.
    #[must_use]
    pub fn failed(&self) -> Vec<&'static str> {
        self.named(|verdict| matches!(verdict, Verdict::Failed { .. }))
    }

    /// The names of the invariants that held.
    #[must_use]
    pub fn held(&self) -> Vec<&'static str> {
        self.named(|verdict| *verdict == Verdict::Held)
    }

    /// The names of the invariants that do not apply to the layer.
    #[must_use]
    pub fn not_applicable(&self) -> Vec<&'static str> {
        self.named(|verdict| matches!(verdict, Verdict::NotApplicable(_)))
    }

    /// Every line, in the order of the suite.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The verdict on one invariant.
    #[must_use]
    pub fn verdict(&self, invariant: &str) -> Option<&Verdict> {
        let mut lines = self.lines.iter();
        lines
            .find(|line| line.invariant == invariant)
            .map(|line| &line.verdict)
    }

    fn named(&self, which: impl Fn(&Verdict) -> bool) -> Vec<&'static str> {
        let lines = self.lines.iter().filter(|line| which(&line.verdict));
        lines.map(|line| line.invariant).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} held, {} failed, {} not applicable",
            self.layer,
            self.held().len(),
            self.failed().len(),
            self.not_applicable().len(),
        )?;
        self.lines.iter().try_for_each(|line| line.fmt(f))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, statement) = (self.invariant, self.statement);
        match &self.verdict {
            Verdict::Failed { expected, seen } => {
                writeln!(f, "  {name:<4} FAILED  {statement}")?;
                writeln!(f, "  {:<4}   expected  {expected}", "")?;
                writeln!(f, "  {:<4}   seen      {seen}", "")
            }
            Verdict::Held => writeln!(f, "  {name:<4} held    {statement}"),
            Verdict::NotApplicable(why) => {
                writeln!(f, "  {name:<4} -       {statement} ({why})")
            }
        }
    }
}
