use std::fmt;

use serde::Serialize;

use crate::ExperimentReport;

/// The report of a game day. It prints as Markdown.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GameDayReport {
    /// Whether every hypothesis held.
    pub held: bool,
    /// The reports of the experiments, in order.
    pub experiments: Vec<ExperimentReport>,
}

impl GameDayReport {
    /// Creates a report of these experiments.
    #[must_use]
    pub fn new(experiments: Vec<ExperimentReport>) -> Self {
        Self {
            held: experiments.iter().all(ExperimentReport::held),
            experiments,
        }
    }

    /// Returns the report as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // It has only strings, numbers and lists of them, so it can be serialized.
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
