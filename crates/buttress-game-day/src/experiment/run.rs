use std::time::Duration;

use buttress_core::Name;
use buttress_core::chaos::{Plan, SteadyStateConfig};

use super::figures::{Figures, judge};
use super::observer::Observer;
use super::report::{ExperimentReport, Outcome};
use buttress_chaos::{ArmError, Injector};

/// An experiment: whether the steady state of a stack holds while faults are injected, and after.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`before`](Self::before) | 5 s | how long the steady state is measured before |
/// | [`during`](Self::during) | 10 s | how long the plan is armed |
/// | [`recovery`](Self::recovery) | 5 s | the time to recover, which is not measured |
/// | [`after`](Self::after) | 5 s | how long the steady state is measured after |
/// | [`steady_state`](Self::steady_state) | the hypothesis | what must hold before and after |
/// | [`traffic`](Self::traffic) | 1 | the multiple of the usual load while the plan is armed |
///
/// ```
/// use std::time::Duration;
/// use buttress_chaos::{
///     Answer, ChaosLayer, Fault, Injector, InjectorConfig, Plan, PlannedFault, Ratio, SteadyStateConfig,
/// };
/// use buttress_game_day::{Experiment, Observer, Outcome};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), buttress_core::BoxError> {
/// let injector = Injector::new("database", InjectorConfig::default());
/// let stack = ServiceBuilder::new()
///     .layer(ChaosLayer::new(&injector)) // place the layers under test outside
///     .service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n + 1) });
///
/// // A load generator makes calls throughout, and records their results.
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
///     "5 % of errors",
///     SteadyStateConfig::default().failure_ratio(Ratio::percent(1)),
///     Plan::new(7).fault(errors),
/// );
/// let report = experiment.run(&injector, &observer).await?;
/// // No layer under test hid the failures.
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
    /// Creates an experiment: does `hypothesis` hold while `plan` is armed, and before and after? It is measured over
    /// whole phases, so its window is not used.
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

    /// Sets what must hold before and after, if that is more than the hypothesis: for example, a service may reject
    /// everything while its database is down, but not longer. The default is the hypothesis.
    #[must_use]
    pub fn steady_state(mut self, steady_state: SteadyStateConfig) -> Self {
        self.steady_state = steady_state;
        self
    }

    /// Sets how long the steady state is measured before. The default is 5 s.
    #[must_use]
    pub fn before(mut self, time: Duration) -> Self {
        self.before = time;
        self
    }

    /// Sets how long the plan is armed, unless its own bounds end it earlier. The default is 10 s.
    #[must_use]
    pub fn during(mut self, time: Duration) -> Self {
        self.during = time;
        self
    }

    /// Sets the time to recover. The default is 5 s.
    #[must_use]
    pub fn recovery(mut self, time: Duration) -> Self {
        self.recovery = time;
        self
    }

    /// Sets how long the steady state is measured after. The default is 5 s.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }

    /// Sets the multiple of the usual load while the plan is armed. An experiment does not generate load: the load
    /// generator reads this with [`traffic_factor`](Self::traffic_factor). The default is 1.
    #[must_use]
    pub fn traffic(mut self, factor: f64) -> Self {
        self.traffic = factor;
        self
    }

    /// Returns the multiple of the usual load while the plan is armed.
    #[must_use]
    pub fn traffic_factor(&self) -> f64 {
        self.traffic
    }

    /// Returns the length of each phase, in order: before, during, recovery and after.
    #[must_use]
    pub fn phases(&self) -> [Duration; 4] {
        [self.before, self.during, self.recovery, self.after]
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Returns the plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Runs the experiment. At the end the injector is disarmed, also if the future is dropped or panics. The plan's
    /// guard watches from the beginning; if it is broken before the plan is armed, nothing is injected.
    ///
    /// # Errors
    ///
    /// An invalid hypothesis or plan; an injector that is already armed or killed.
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
        // The guard of the plan has its measurements.
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
