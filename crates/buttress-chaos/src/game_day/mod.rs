//! A list of experiments from a file.

mod duration;
mod error;
mod fault;
mod file;
mod place;
mod report;
mod share;

use std::fmt;

use crate::{ArmError, Experiment, ExperimentReport, Injector, Observer, Outcome};

pub use error::GameDayError;
pub use report::GameDayReport;

/// A list of experiments, run one after the other.
///
/// ```
/// use buttress_chaos::GameDay;
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
/// println!("{game_day}"); // what would be done: the dry run
/// # Ok::<(), buttress_chaos::GameDayError>(())
/// ```
///
/// # The file
///
/// | key | default | |
/// |---|---|---|
/// | `seed` | 0 | of all plans |
/// | `draw` | `"attempt"` | what all plans [draw](crate::Draw) for: each attempt at a call, or each `"call"` |
/// | `[[experiment]]` | | at least one |
/// | `name` | | of the experiment |
/// | `before`, `during`, `recovery`, `after` | as [`Experiment`] | `"250 ms"`, `"1.5 s"`, `"2 min"` |
/// | `hypothesis` | | `failure_ratio`, `latency`, `burn_rate`, `minimum_calls`, `window` |
/// | `steady_state` | the hypothesis | the same; what must hold before and after |
/// | `traffic` | 1 | [how many times the usual load](Experiment::traffic) there is meanwhile |
/// | `guard` | none | the same; it watches from the beginning, rejects the plan if it is broken then, and ends it if it breaks |
/// | `bounds` | as [`Bounds`](crate::Bounds) | `max_active`, `blast_radius`, `start_delay`, `ttl` |
/// | `draw` | that of all | what its plan draws for |
/// | `[[experiment.fault]]` | | `name`, one of `answer`, `body` and `delay`, and `rate`, `target`, `trigger` |
///
/// Ratios are numbers from 0 to 1. A path that ends in `/*` means all that is below it. What the file does not know it
/// rejects, and every rejection says where.
#[derive(Debug, Clone, PartialEq)]
pub struct GameDay {
    pub(crate) experiments: Vec<Experiment>,
    /// The place of the guard of each experiment: line and column.
    guards: Vec<Option<(usize, usize)>>,
}

impl GameDay {
    /// Reads a game day, and checks all of it.
    ///
    /// # Errors
    ///
    /// What is no TOML, a key that is unknown or missing, a value that cannot work; always with the place in the
    /// file.
    pub fn from_toml(text: &str) -> Result<Self, GameDayError> {
        file::parse(text)
    }

    /// The same game day with another seed.
    #[must_use]
    pub fn reseeded(mut self, seed: u64) -> Self {
        for experiment in &mut self.experiments {
            experiment.plan = experiment.plan.clone().reseeded(seed);
        }
        self
    }

    /// The experiments, in their order.
    #[must_use]
    pub fn experiments(&self) -> &[Experiment] {
        &self.experiments
    }

    /// What came of the experiment of this number, counted from 0, with the place in the file where it was rejected.
    #[must_use]
    pub fn locate(&self, number: usize, mut report: ExperimentReport) -> ExperimentReport {
        if let Outcome::GuardBroken(_) = report.outcome {
            report.refused_at = self.guards.get(number).copied().flatten();
        }
        report
    }

    /// Runs all experiments, one after the other. It goes on after one that did not hold.
    ///
    /// # Errors
    ///
    /// As [`Experiment::run`].
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

/// What would be done.
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
                writeln!(f, "  traffic: {traffic} times the usual")?;
            }
            for fault in experiment.plan.faults() {
                writeln!(f, "  {fault}")?;
            }
        }
        Ok(())
    }
}
