//! Experiments with a paused clock, as in a user's tests.

use std::time::Duration;

use buttress_chaos::{
    Answer, ArmError, Bounds, ChaosLayer, Fault, Injector, InjectorConfig, Latency, Measure, Plan,
    PlannedFault, Ratio, SteadyStateConfig,
};
use buttress_core::BoxError;
use buttress_game_day::{Experiment, Observer, Outcome};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn injector() -> Injector {
    Injector::new("test", InjectorConfig::default().kill_variable(None))
}

/// Calls that take 5 ms, through the injector and without other layers, a hundred per second.
fn load<S>(stack: S, observer: &Observer) -> JoinHandle<()>
where
    S: Service<u32, Error = BoxError, Future: Send> + Clone + Send + 'static,
{
    let observer = observer.clone();
    tokio::spawn(async move {
        loop {
            let (observer, stack) = (observer.clone(), stack.clone());
            tokio::spawn(async move {
                let began = Instant::now();
                let failed = stack.oneshot(1).await.is_err();
                observer.record(failed, began.elapsed());
            });
            tokio::time::sleep(10 * MS).await;
        }
    })
}

fn dependency(
    injector: &Injector,
) -> impl Service<u32, Response = u32, Error = BoxError, Future: Send> + Clone + use<> {
    ChaosLayer::new(injector).layer(service_fn(|n: u32| async move {
        tokio::time::sleep(5 * MS).await;
        Ok::<_, BoxError>(n)
    }))
}

fn errors(rate: Ratio) -> Plan {
    Plan::new(7).fault(PlannedFault::new("errors", Fault::Answer(Answer::Error)).rate(rate))
}

fn few_failures() -> SteadyStateConfig {
    SteadyStateConfig::default().failure_ratio(Ratio::percent(5))
}

fn experiment(plan: Plan) -> Experiment {
    Experiment::new("experiment", few_failures(), plan)
}

#[tokio::test(start_paused = true)]
async fn a_hypothesis_that_holds_is_reported() {
    let (injector, observer) = (injector(), Observer::new());
    let load = load(dependency(&injector), &observer);
    let report = experiment(errors(Ratio::percent(1)));
    let report = report.run(&injector, &observer).await.unwrap();
    assert_eq!(report.outcome, Outcome::Held);
    assert_eq!(report.before.unwrap().failures, 0);
    assert!(report.during.unwrap().failures > 0);
    assert_eq!(report.after.unwrap().failures, 0);
    load.abort();
}

#[tokio::test(start_paused = true)]
async fn a_broken_hypothesis_is_reported_and_faults_end() {
    let (injector, observer) = (injector(), Observer::new());
    let load = load(dependency(&injector), &observer);
    let report = experiment(errors(Ratio::percent(50)));
    let report = report.run(&injector, &observer).await.unwrap();
    match report.outcome {
        Outcome::Broken(breach) => assert_eq!(breach.measure, Measure::FailureRatio),
        other => panic!("{other}"),
    }
    assert!(!injector.is_armed());
    assert_eq!(report.after.unwrap().failures, 0);
    load.abort();
}

#[tokio::test(start_paused = true)]
async fn latency_breaks_a_hypothesis_about_latency() {
    let (injector, observer) = (injector(), Observer::new());
    let load = load(dependency(&injector), &observer);
    let slow = PlannedFault::new("slow", Fault::Delay(Latency::Fixed(500 * MS)));
    let fast = SteadyStateConfig::default().latency(Ratio::percent(99), 100 * MS);
    let experiment = Experiment::new("slow", fast, Plan::new(1).fault(slow));
    let report = experiment.run(&injector, &observer).await.unwrap();
    assert!(matches!(report.outcome, Outcome::Broken(_)));
    assert!(report.during.unwrap().p99 >= 500 * MS);
    load.abort();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_injected_without_a_steady_state() {
    let (injector, observer) = (injector(), Observer::new());
    let stack = service_fn(|_: u32| async { Err::<u32, BoxError>("down already".into()) });
    let load = load(stack, &observer);
    let report = experiment(errors(Ratio::ONE))
        .run(&injector, &observer)
        .await;
    let report = report.unwrap();
    assert!(matches!(report.outcome, Outcome::NotSteady(_)));
    assert_eq!(report.during, None);
    assert_eq!(injector.snapshot().calls, 0);
    load.abort();
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_still_fails_has_not_recovered() {
    let (injector, observer) = (injector(), Observer::new());
    let inner = dependency(&injector);
    // It fails permanently after its first failure.
    let broken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stack = service_fn(move |n: u32| {
        let (inner, broken) = (inner.clone(), std::sync::Arc::clone(&broken));
        async move {
            let result = inner.oneshot(n).await;
            if result.is_err() {
                broken.store(true, std::sync::atomic::Ordering::SeqCst);
            }
            // It fails only later.
            tokio::time::sleep(11 * SECOND).await;
            if broken.load(std::sync::atomic::Ordering::SeqCst) {
                return Err("still down".into());
            }
            result
        }
    });
    let load = load(stack, &observer);
    tokio::time::sleep(12 * SECOND).await;
    let experiment = experiment(errors(Ratio::ONE))
        .during(SECOND)
        .recovery(12 * SECOND);
    let report = experiment.run(&injector, &observer).await.unwrap();
    assert!(matches!(
        report.outcome,
        Outcome::NotRecovered(_) | Outcome::Broken(_)
    ));
    assert!(report.after.unwrap().failures > 0);
    load.abort();
}

#[tokio::test(start_paused = true)]
async fn a_guard_aborts_the_experiment_and_keeps_the_figures() {
    let (injector, observer) = (injector(), Observer::new());
    let load = load(dependency(&injector), &observer);
    let plan = errors(Ratio::ONE).guard(few_failures());
    let began = Instant::now();
    let report = experiment(plan).run(&injector, &observer).await.unwrap();
    assert_eq!(report.outcome, Outcome::Aborted);
    assert!(report.during.unwrap().lasted < SECOND);
    assert!(began.elapsed() < 17 * SECOND);
    load.abort();
}

#[tokio::test(start_paused = true)]
async fn an_experiment_that_is_dropped_or_panics_disarms() {
    let (injector, observer) = (injector(), Observer::new());
    let load = load(dependency(&injector), &observer);
    let experiment = experiment(errors(Ratio::percent(1)));
    let running = experiment.run(&injector, &observer);
    // Dropped in the middle, as by Ctrl-C.
    assert!(tokio::time::timeout(8 * SECOND, running).await.is_err());
    assert!(!injector.is_armed());

    // Beside something that panics, in the task that runs it.
    let task = tokio::spawn({
        let (injector, observer) = (injector.clone(), observer.clone());
        async move {
            tokio::join!(experiment.run(&injector, &observer), async {
                tokio::time::sleep(8 * SECOND).await;
                assert!(!injector.is_armed(), "in the middle");
            })
        }
    });
    assert!(task.await.unwrap_err().is_panic());
    assert!(!injector.is_armed());
    load.abort();
}

/// Also before anything is injected, while only the guard watches.
#[tokio::test(start_paused = true)]
async fn an_experiment_that_is_dropped_early_stops_observing() {
    let (injector, observer) = (injector(), Observer::new());
    let load = load(dependency(&injector), &observer);
    let guarded = experiment(errors(Ratio::percent(1)).guard(few_failures()));
    let running = guarded.run(&injector, &observer);
    assert!(tokio::time::timeout(2 * SECOND, running).await.is_err());
    assert_eq!(injector.snapshot().calls, 0, "not counted");
    let report = guarded.run(&injector, &observer).await.unwrap();
    assert_eq!(report.outcome, Outcome::Held);
    load.abort();
}

#[tokio::test(start_paused = true)]
async fn an_armed_injector_rejects_an_experiment() {
    let (injector, observer) = (injector(), Observer::new());
    injector
        .arm(errors(Ratio::ONE).bounds(Bounds::default()))
        .unwrap();
    let report = experiment(errors(Ratio::ONE))
        .run(&injector, &observer)
        .await;
    assert_eq!(report, Err(ArmError::AlreadyArmed));
    assert!(injector.is_armed(), "it was armed by another plan");
}

#[tokio::test(start_paused = true)]
async fn two_runs_give_the_same_report() {
    let mut reports = Vec::new();
    for _ in 0..2 {
        let (injector, observer) = (injector(), Observer::new());
        let load = load(dependency(&injector), &observer);
        let report = experiment(errors(Ratio::percent(10)));
        reports.push(report.run(&injector, &observer).await.unwrap().to_string());
        load.abort();
    }
    assert_eq!(reports[0], reports[1]);
}

#[tokio::test(start_paused = true)]
async fn a_hypothesis_without_samples_does_not_hold() {
    let (injector, observer) = (injector(), Observer::new());
    let report = experiment(errors(Ratio::percent(1)));
    let report = report.run(&injector, &observer).await.unwrap();
    assert_eq!(
        (report.outcome, report.during),
        (Outcome::Inconclusive, None)
    );
}

#[tokio::test(start_paused = true)]
async fn calls_that_all_hang_are_inconclusive() {
    let (injector, observer) = (injector(), Observer::new());
    let load = load(dependency(&injector), &observer);
    let hang = Plan::new(7).fault(PlannedFault::new("hang", Fault::Answer(Answer::Hang)));
    let hang = hang.bounds(Bounds::default().max_active(10_000));
    let report = experiment(hang).run(&injector, &observer).await.unwrap();
    assert_eq!(report.outcome, Outcome::Inconclusive);
    load.abort();
}

#[tokio::test(start_paused = true)]
async fn failures_allowed_while_armed_are_not_allowed_after() {
    let (injector, observer) = (injector(), Observer::new());
    let load = load(dependency(&injector), &observer);
    let anything = SteadyStateConfig::default().failure_ratio(Ratio::ONE);
    let down = || Experiment::new("down", anything.clone(), errors(Ratio::ONE));
    let report = down().steady_state(few_failures());
    let report = report.run(&injector, &observer).await.unwrap();
    assert_eq!(report.outcome, Outcome::Held);

    let standing = Observer::new();
    (0..100).for_each(|_| standing.record(true, MS));
    let broken = tokio::spawn({
        let standing = standing.clone();
        async move {
            loop {
                standing.record(true, MS);
                tokio::time::sleep(MS).await;
            }
        }
    });
    let report = down().steady_state(few_failures());
    let report = report.run(&injector, &standing).await.unwrap();
    assert!(matches!(report.outcome, Outcome::NotSteady(_)));
    broken.abort();
    load.abort();
}
