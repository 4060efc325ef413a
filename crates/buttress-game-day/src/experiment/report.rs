use std::fmt;

use buttress_core::chaos::Breach;

use super::figures::Figures;
use super::run::Experiment;

/// The report of an experiment. It prints as Markdown.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ExperimentReport {
    /// The name of the experiment.
    pub name: String,
    /// The seed of the plan.
    pub seed: u64,
    /// What the plan decides for: each `attempt` at a call, or each `call`.
    pub draw: &'static str,
    /// A description of what must hold while the plan is armed.
    pub hypothesis: String,
    /// A description of what must hold before and after.
    pub steady_state: String,
    /// The names of the faults.
    pub faults: Vec<String>,
    /// A description of each fault: action, target and rate.
    pub injected: Vec<String>,
    /// The outcome.
    #[serde(serialize_with = "as_text")]
    pub outcome: Outcome,
    /// The position of the error in the file, if there is one: line and column.
    pub refused_at: Option<(usize, usize)>,
    /// The measurements before the plan was armed.
    pub before: Option<Figures>,
    /// The measurements while the plan was armed; `None` if it never was.
    pub during: Option<Figures>,
    /// The measurements after the recovery.
    pub after: Option<Figures>,
}

/// Whether a steady state held.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// The plan ended early: by its guard, a kill switch, or an explicit disarm.
    Aborted,
    /// The hypothesis did not hold while the plan was armed.
    Broken(Breach),
    /// The plan's guard was broken before the start, so nothing was injected.
    GuardBroken(Breach),
    /// The hypothesis held.
    Held,
    /// In one of the phases, fewer calls ended than the hypothesis requires, so there is no result. For example, if
    /// all calls hang, none of them ends.
    Inconclusive,
    /// The steady state did not hold before the start, so nothing was injected.
    NotSteady(Breach),
    /// The steady state did not hold after the time to recover.
    NotRecovered(Breach),
}

impl ExperimentReport {
    pub(super) fn new(experiment: &Experiment) -> Self {
        let faults = experiment.plan().faults();
        Self {
            name: experiment.name().to_owned(),
            seed: experiment.plan().seed(),
            draw: experiment.plan().draws().as_str(),
            hypothesis: experiment.hypothesis.to_string(),
            steady_state: experiment.steady_state.to_string(),
            faults: faults
                .iter()
                .map(|fault| fault.name().to_string())
                .collect(),
            injected: faults.iter().map(ToString::to_string).collect(),
            outcome: Outcome::Aborted,
            refused_at: None,
            before: None,
            during: None,
            after: None,
        }
    }

    /// Returns whether the hypothesis held.
    #[must_use]
    pub fn held(&self) -> bool {
        self.outcome == Outcome::Held
    }
}

impl Outcome {
    /// Returns the outcome as a label.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::Broken(_) => "broken",
            Self::GuardBroken(_) => "guard broken before the start",
            Self::Held => "held",
            Self::Inconclusive => "inconclusive",
            Self::NotRecovered(_) => "not recovered",
            Self::NotSteady(_) => "not steady",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::Broken(breach)
            | Self::GuardBroken(breach)
            | Self::NotRecovered(breach)
            | Self::NotSteady(breach) => write!(f, ": {breach}"),
            Self::Inconclusive => f.write_str(": too few calls ended"),
            Self::Aborted | Self::Held => Ok(()),
        }
    }
}

impl fmt::Display for ExperimentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}\n", self.name)?;
        writeln!(f, "**{}**\n", self.outcome)?;
        if let Some((line, column)) = self.refused_at {
            writeln!(f, "Line {line}, column {column}.\n")?;
        }
        writeln!(f, "- must hold while armed: {}", self.hypothesis)?;
        writeln!(f, "- must hold before and after: {}", self.steady_state)?;
        let injected = match self.injected.as_slice() {
            [] => "nothing".to_owned(),
            injected => injected.join("; "),
        };
        let (seed, draw) = (self.seed, self.draw);
        writeln!(
            f,
            "- injected: {injected} (seed {seed}, decided for each {draw})\n"
        )?;
        writeln!(f, "| phase | calls | good/s | failed | p50 | p99 |")?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|")?;
        for (phase, figures) in [
            ("before", &self.before),
            ("during", &self.during),
            ("after", &self.after),
        ] {
            let Some(figures) = figures else { continue };
            writeln!(
                f,
                "| {phase} | {} | {:.1} | {:.2} % | {:.1} ms | {:.1} ms |",
                figures.calls,
                figures.goodput(),
                100.0 * figures.failure_ratio(),
                figures.p50.as_secs_f64() * 1e3,
                figures.p99.as_secs_f64() * 1e3,
            )?;
        }
        Ok(())
    }
}

fn as_text<S: serde::Serializer>(outcome: &Outcome, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(outcome)
}
