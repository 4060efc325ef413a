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
/// | [`recovery`](Self::recovery) | 5 s | the time to recover, which is not measured |
/// | [`after`](Self::after) | 5 s | how long the steady state is seen last |
/// | [`steady_state`](Self::steady_state) | the hypothesis | what must hold before and after |
/// | [`traffic`](Self::traffic) | 1 | how many times the usual load there is while the plan is armed |
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
/// // A load generator makes calls all the time, and records their results.
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
    pub(crate) steady_state: SteadyStateConfig,
    pub(crate) plan: Plan,
    pub(crate) before: Duration,
    pub(crate) during: Duration,
    pub(crate) recovery: Duration,
    pub(crate) after: Duration,
    pub(crate) traffic: f64,
}

impl Experiment {
    /// Whether `hypothesis` holds while `plan` is armed, and before and after as well. It is measured over whole
    /// phases: its window is not used.
    #[must_use]
    pub fn new(name: impl Into<Name>, hypothesis: SteadyStateConfig, plan: Plan) -> Self {
        let name = name.into();
        Self {
            plan: plan.experiment(name.clone()),
            name,
            steady_state: hypothesis.clone(),
            hypothesis,
            before: Duration::from_secs(5),
            during: Duration::from_secs(10),
            recovery: Duration::from_secs(5),
            after: Duration::from_secs(5),
            traffic: 1.0,
        }
    }

    /// What must hold before and after, where that is more than the hypothesis asks for: a service may be allowed
    /// to reject everything while its database is down, and not any longer.
    #[must_use]
    pub fn steady_state(mut self, steady_state: SteadyStateConfig) -> Self {
        self.steady_state = steady_state;
        self
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

    /// The multiple of the usual load to generate while the plan is armed. An experiment generates no load itself: read
    /// this with [`traffic_factor`](Self::traffic_factor).
    #[must_use]
    pub fn traffic(mut self, factor: f64) -> Self {
        self.traffic = factor;
        self
    }

    /// How many times the usual load there is to be while the plan is armed.
    #[must_use]
    pub fn traffic_factor(&self) -> f64 {
        self.traffic
    }

    /// How long each phase lasts, in their order: before, during, recovery and after.
    #[must_use]
    pub fn phases(&self) -> [Duration; 4] {
        [self.before, self.during, self.recovery, self.after]
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

    /// Runs it. The injector is disarmed at the end, whatever that is: also if the future is dropped, or panics. The plan's
    /// guard watches from the beginning, and if it is broken before anything is injected, nothing is.
    ///
    /// # Errors
    ///
    /// A hypothesis or a plan that cannot work; an injector that is armed already or killed.
    pub async fn run(
        &self,
        injector: &Injector,
        observer: &Observer,
    ) -> Result<ExperimentReport, ArmError> {
        for asked in [&self.hypothesis, &self.steady_state] {
            asked.check().map_err(ArmError::Hypothesis)?;
        }
        self.plan.check().map_err(ArmError::Plan)?;
        if injector.is_armed() {
            return Err(ArmError::AlreadyArmed);
        }
        let mut report = ExperimentReport::new(self);

        let guard = self.plan.guarded_by().cloned();
        let watch = guard
            .map(|guard| injector.watch_scoped(guard))
            .transpose()?;
        observer.take();
        tokio::time::sleep(self.before).await;
        let calls = observer.take();
        let mut seen = self.steady_state.is_enough(calls.len() as u64);
        let breach = judge(&self.steady_state, &calls);
        report.before = Some(Figures::of(calls, self.before));
        if let Some(breach) = breach {
            report.outcome = Outcome::NotSteady(breach);
            return Ok(report);
        }
        if !seen {
            report.outcome = Outcome::Inconclusive;
            return Ok(report);
        }

        let began = tokio::time::Instant::now();
        let armed = match injector.arm_scoped(self.plan.clone()) {
            Err(ArmError::Breached(breach)) => {
                report.outcome = Outcome::GuardBroken(breach);
                return Ok(report);
            }
            armed => armed?,
        };
        // What it saw is with the plan.
        drop(watch);
        let ended = tokio::time::timeout(self.during, armed.ended()).await;
        drop(armed);
        let calls = observer.take();
        seen &= self.hypothesis.is_enough(calls.len() as u64);
        let breach = judge(&self.hypothesis, &calls);
        report.during = Some(Figures::of(calls, began.elapsed()));

        tokio::time::sleep(self.recovery).await;
        observer.take();
        tokio::time::sleep(self.after).await;
        let calls = observer.take();
        seen &= self.steady_state.is_enough(calls.len() as u64);
        let lasting = judge(&self.steady_state, &calls);
        report.after = Some(Figures::of(calls, self.after));

        report.outcome = match (ended, breach, lasting) {
            (Ok(()), ..) => Outcome::Aborted,
            (_, Some(breach), _) => Outcome::Broken(breach),
            (_, None, Some(breach)) => Outcome::NotRecovered(breach),
            (_, None, None) if seen => Outcome::Held,
            (_, None, None) => Outcome::Inconclusive,
        };
        Ok(report)
    }
}
