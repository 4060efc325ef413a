//! Lists of experiments from a file.

mod duration;
mod error;
mod fault;
mod file;
mod place;
mod report;
mod share;

use std::fmt;

use buttress_chaos::{ArmError, Injector};

use crate::{Experiment, ExperimentReport, Observer, Outcome};

pub use error::GameDayError;
pub use report::GameDayReport;

/// A list of experiments, which run one after the other.
///
/// ```
/// use buttress_game_day::GameDay;
///
/// let game_day = GameDay::from_toml(r#"
/// seed = 7
///
/// [[experiment]]
/// name = "database slow"
/// during = "20 s"
/// hypothesis = { failure_ratio = 0.01, latency = { quantile = 0.99, most = "300 ms" } }
/// bounds = { ttl = "1 min", max_active = 50 }
///
/// [[experiment.fault]]
/// name = "slow"
/// rate = 0.2
/// delay = { uniform = { least = "50 ms", most = "400 ms" } }
/// target = { methods = ["GET"], path = "/orders/*" }
/// "#)?;
/// println!("{game_day}"); // the dry run
/// # Ok::<(), buttress_game_day::GameDayError>(())
/// ```
///
/// # The file
///
/// | key | default | meaning |
/// |---|---|---|
/// | `seed` | 0 | the seed of all plans |
/// | `draw` | `"attempt"` | what all plans [decide](buttress_chaos::Draw) for: each attempt at a call, or each `"call"` |
/// | `[[experiment]]` | | at least one |
/// | `name` | | the name of the experiment |
/// | `before`, `during`, `recovery`, `after` | as [`Experiment`] | `"250 ms"`, `"1.5 s"`, `"2 min"` |
/// | `hypothesis` | | `failure_ratio`, `latency`, `burn_rate`, `minimum_calls`, `window` |
/// | `steady_state` | the hypothesis | the same; what must hold before and after |
/// | `traffic` | 1 | the [multiple of the usual load](Experiment::traffic) while the plan is armed |
/// | `guard` | none | the same; watches from the beginning, rejects the plan if it is broken before, and ends the plan if it breaks |
/// | `bounds` | as [`Bounds`](buttress_chaos::Bounds) | `max_active`, `blast_radius`, `start_delay`, `ttl` |
/// | `draw` | that of the file | what this plan decides for |
/// | `[[experiment.fault]]` | | `name`, one of `answer`, `body` and `delay`, and `rate`, `target`, `trigger` |
///
/// Ratios are numbers from 0 to 1. A path that ends in `/*` matches all paths below it. Unknown keys are rejected,
/// and every error has its position.
#[derive(Debug, Clone, PartialEq)]
pub struct GameDay {
    pub(crate) experiments: Vec<Experiment>,
    /// The position of the guard of each experiment: line and column.
    guards: Vec<Option<(usize, usize)>>,
}

impl GameDay {
    /// Reads a game day, and checks all of it.
    ///
    /// # Errors
    ///
    /// Invalid TOML, an unknown or missing key, an invalid value; always with the position in the file.
    pub fn from_toml(text: &str) -> Result<Self, GameDayError> {
        file::parse(text)
    }

    /// Returns the same game day with another seed.
    #[must_use]
    pub fn reseeded(mut self, seed: u64) -> Self {
        for experiment in &mut self.experiments {
            experiment.plan = experiment.plan.clone().reseeded(seed);
        }
        self
    }

    /// Returns the experiments, in order.
    #[must_use]
    pub fn experiments(&self) -> &[Experiment] {
        &self.experiments
    }

    /// Adds the position in the file to the report of a rejected experiment. `number` starts at 0.
    #[must_use]
    pub fn locate(&self, number: usize, mut report: ExperimentReport) -> ExperimentReport {
        if let Outcome::GuardBroken(_) = report.outcome {
            report.refused_at = self.guards.get(number).copied().flatten();
        }
        report
    }

    /// Runs all experiments, one after the other, including those after one that did not hold.
    ///
    /// # Errors
    ///
    /// Those of [`Experiment::run`].
    pub async fn run(
        &self,
        injector: &Injector,
        observer: &Observer,
    ) -> Result<GameDayReport, ArmError> {
        let mut reports = Vec::new();
        for (number, experiment) in self.experiments.iter().enumerate() {
            let report = experiment.run(injector, observer).await?;
            reports.push(self.locate(number, report));
        }
        Ok(GameDayReport::new(reports))
    }
}

/// The dry run.
impl fmt::Display for GameDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for experiment in &self.experiments {
            let Experiment {
                name,
                before,
                during,
                recovery,
                after,
                traffic,
                ..
            } = experiment;
            writeln!(
                f,
                "{name}: before {before:?}, during {during:?}, recovery {recovery:?}, after {after:?}"
            )?;
            if *traffic != 1.0 {
                writeln!(f, "  traffic: {traffic} times the usual load")?;
            }
            for fault in experiment.plan.faults() {
                writeln!(f, "  {fault}")?;
            }
        }
        Ok(())
    }
}
