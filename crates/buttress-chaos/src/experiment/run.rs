use std::time::Duration;

use buttress_core::Name;
use buttress_core::chaos::{Plan, SteadyStateConfig};

use super::figures::{Figures, judge};
use super::observer::Observer;
use super::report::{ExperimentReport, Outcome};
use crate::{ArmError, Injector};

/// A question to a stack: does its steady state hold while this is done to it, and after?
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`before`](Self::before) | 5 s | how long the steady state is seen first |
/// | [`during`](Self::during) | 10 s | how long the plan is armed |
/// | [`recovery`](Self::recovery) | 5 s | how long it may take to recover, which nobody looks at |
/// | [`after`](Self::after) | 5 s | how long the steady state is seen last |
///
/// ```
/// use std::time::Duration;
/// use buttress_chaos::{
///     Answer, ChaosLayer, Experiment, Fault, Injector, InjectorConfig, Observer, Outcome, Plan, PlannedFault, Ratio,
///     SteadyStateConfig,
/// };
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), buttress_core::BoxError> {
/// let injector = Injector::new("database", InjectorConfig::default());
/// let stack = ServiceBuilder::new()
///     .layer(ChaosLayer::new(&injector)) // what is to be examined goes around it
///     .service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n + 1) });
///
/// // Somebody makes calls all the time, and says how they went.
/// let observer = Observer::new();
/// let load = tokio::spawn({
///     let observer = observer.clone();
///     async move {
///         loop {
///             let began = tokio::time::Instant::now();
///             let failed = stack.clone().oneshot(1).await.is_err();
///             observer.record(failed, began.elapsed());
///             tokio::time::sleep(Duration::from_millis(20)).await;
///         }
///     }
/// });
///
/// let errors = PlannedFault::new("errors", Fault::Answer(Answer::Error)).rate(Ratio::percent(5));
/// let experiment = Experiment::new(
///     "five percent of errors",
///     SteadyStateConfig::default().failure_ratio(Ratio::percent(1)),
///     Plan::new(7).fault(errors),
/// );
/// let report = experiment.run(&injector, &observer).await?;
/// // Nothing was around it that would have helped.
/// assert!(matches!(report.outcome, Outcome::Broken(_)), "{report}");
/// # load.abort();
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    pub(crate) name: Name,
    pub(crate) hypothesis: SteadyStateConfig,
    pub(crate) plan: Plan,
    pub(crate) before: Duration,
    pub(crate) during: Duration,
    pub(crate) recovery: Duration,
    pub(crate) after: Duration,
}

impl Experiment {
    /// Whether `hypothesis` holds while `plan` is armed. The hypothesis looks at whole phases: its window is not
    /// asked for.
    #[must_use]
    pub fn new(name: impl Into<Name>, hypothesis: SteadyStateConfig, plan: Plan) -> Self {
        Self {
            name: name.into(),
            hypothesis,
            plan,
            before: Duration::from_secs(5),
            during: Duration::from_secs(10),
            recovery: Duration::from_secs(5),
            after: Duration::from_secs(5),
        }
    }

    /// How long the steady state is seen first.
    #[must_use]
    pub fn before(mut self, time: Duration) -> Self {
        self.before = time;
        self
    }

    /// How long the plan is armed, unless its own bounds end it earlier.
    #[must_use]
    pub fn during(mut self, time: Duration) -> Self {
        self.during = time;
        self
    }

    /// How long it may take to recover.
    #[must_use]
    pub fn recovery(mut self, time: Duration) -> Self {
        self.recovery = time;
        self
    }

    /// How long the steady state is seen last.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Its plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Runs it. The injector is disarmed at the end, whatever that is: also if the future is dropped, or panics.
    ///
    /// # Errors
    ///
    /// A hypothesis or a plan that cannot work; an injector that is armed already or killed.
    pub async fn run(
        &self,
        injector: &Injector,
        observer: &Observer,
    ) -> Result<ExperimentReport, ArmError> {
        self.hypothesis.check().map_err(ArmError::Hypothesis)?;
        let mut report = ExperimentReport::new(self);

        observer.take();
        tokio::time::sleep(self.before).await;
        let calls = observer.take();
        let breach = judge(&self.hypothesis, &calls);
        report.before = Some(Figures::of(calls, self.before));
        if let Some(breach) = breach {
            report.outcome = Outcome::NotSteady(breach);
            return Ok(report);
        }

        let began = tokio::time::Instant::now();
        let armed = injector.arm_scoped(self.plan.clone())?;
        let ended = tokio::time::timeout(self.during, armed.ended()).await;
        drop(armed);
        let calls = observer.take();
        let breach = judge(&self.hypothesis, &calls);
        report.during = Some(Figures::of(calls, began.elapsed()));

        tokio::time::sleep(self.recovery).await;
        observer.take();
        tokio::time::sleep(self.after).await;
        let calls = observer.take();
        let lasting = judge(&self.hypothesis, &calls);
        report.after = Some(Figures::of(calls, self.after));

        report.outcome = match (ended, breach, lasting) {
            (Ok(()), ..) => Outcome::Aborted,
            (_, Some(breach), _) => Outcome::Broken(breach),
            (_, None, Some(breach)) => Outcome::NotRecovered(breach),
            (_, None, None) => Outcome::Held,
        };
        Ok(report)
    }
}
