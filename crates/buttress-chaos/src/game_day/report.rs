use std::fmt;

use serde::Serialize;

use crate::ExperimentReport;

/// What came of a game day. It prints as Markdown.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GameDayReport {
    /// Whether every hypothesis held.
    pub held: bool,
    /// The experiments, in their order.
    pub experiments: Vec<ExperimentReport>,
}

impl GameDayReport {
    /// The report over these experiments.
    #[must_use]
    pub fn new(experiments: Vec<ExperimentReport>) -> Self {
        Self {
            held: experiments.iter().all(ExperimentReport::held),
            experiments,
        }
    }

    /// The report as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists of them: there is nothing in it that JSON could not say.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl fmt::Display for GameDayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.experiments.iter().filter(|e| e.held()).count();
        writeln!(f, "# Game day\n")?;
        writeln!(f, "{held} of {} hypotheses held.\n", self.experiments.len())?;
        writeln!(f, "| experiment | verdict |")?;
        writeln!(f, "|---|---|")?;
        for report in &self.experiments {
            writeln!(f, "| {} | {} |", report.name, report.outcome)?;
        }
        for report in &self.experiments {
            write!(f, "\n{report}")?;
        }
        Ok(())
    }
}
