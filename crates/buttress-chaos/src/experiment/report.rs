use std::fmt;

use buttress_core::chaos::Breach;

use super::figures::Figures;
use super::run::Experiment;

/// What came of an experiment. It prints as Markdown.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "game-day", derive(serde::Serialize))]
pub struct ExperimentReport {
    /// The experiment's name.
    pub name: String,
    /// The seed of its plan.
    pub seed: u64,
    /// What the plan drew for: each `attempt` at a call, or each `call`.
    pub draw: &'static str,
    /// What must hold while the plan is armed, in words.
    pub hypothesis: String,
    /// What must hold before and after, in words.
    pub steady_state: String,
    /// The names of its faults.
    pub faults: Vec<String>,
    /// The same faults with their action, target and rate, in words.
    pub injected: Vec<String>,
    /// The verdict.
    #[cfg_attr(feature = "game-day", serde(serialize_with = "as_text"))]
    pub outcome: Outcome,
    /// The place of the error in the file, if there is one: line and column.
    pub refused_at: Option<(usize, usize)>,
    /// What was seen before.
    pub before: Option<Figures>,
    /// What was seen while the plan was armed; `None` if it never was.
    pub during: Option<Figures>,
    /// What was seen after the time to recover.
    pub after: Option<Figures>,
}

/// Whether a steady state held.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// The plan ended before its time: by its guard, a kill switch, or an explicit disarm.
    Aborted,
    /// It broke while the plan was armed.
    Broken(Breach),
    /// The plan's guard was broken even before, so nothing was injected.
    GuardBroken(Breach),
    /// It held.
    Held,
    /// In one of the phases fewer calls ended than the hypothesis asks for, so nothing was shown. Calls that all
    /// hang are such a case: none of them ends.
    Inconclusive,
    /// It did not hold even before, so nothing was injected.
    NotSteady(Breach),
    /// It held, or broke, and was not back in time.
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

    /// Whether the hypothesis held.
    #[must_use]
    pub fn held(&self) -> bool {
        self.outcome == Outcome::Held
    }
}

impl Outcome {
    /// The verdict as a label.
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
            writeln!(f, "See line {line}, column {column}.\n")?;
        }
        writeln!(f, "- promised meanwhile: {}", self.hypothesis)?;
        writeln!(f, "- promised before and after: {}", self.steady_state)?;
        let injected = match self.injected.as_slice() {
            [] => "nothing".to_owned(),
            injected => injected.join("; "),
        };
        let (seed, draw) = (self.seed, self.draw);
        writeln!(
            f,
            "- injected meanwhile: {injected} (seed {seed}, drawn for each {draw})\n"
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

#[cfg(feature = "game-day")]
fn as_text<S: serde::Serializer>(outcome: &Outcome, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(outcome)
}
