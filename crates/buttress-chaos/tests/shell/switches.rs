use std::path::PathBuf;

use buttress_chaos::{
    Answer, ArmError, Fault, Injector, InjectorConfig, Latency, Plan, PlannedFault,
};
use http::StatusCode;

use crate::support::{SECOND, call, greeter, injector, quiet};

/// A path for this test only, removed at its end.
struct KillFile(PathBuf);

impl KillFile {
    fn new(name: &str) -> Self {
        let name = format!("buttress-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).expect("a temporary file");
    }

    fn injector(&self) -> Injector {
        Injector::new("test", quiet().kill_file(self.0.clone()))
    }
}

impl Drop for KillFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A plan that delays every call and responds with 503.
fn slow_and_down() -> Plan {
    Plan::new(1)
        .fault(PlannedFault::new(
            "slow",
            Fault::Delay(Latency::Fixed(SECOND)),
        ))
        .fault(PlannedFault::new(
            "down",
            Fault::Answer(Answer::Status(503)),
        ))
}

#[tokio::test(start_paused = true)]
async fn a_kill_file_stops_everything_within_one_request() {
    let file = KillFile::new("all");
    let injector = file.injector();
    let service = greeter(&injector);
    injector.arm(slow_and_down()).unwrap();
    assert_eq!(call(&service).await.unwrap().status(), 503);
    file.write("");
    assert_eq!(call(&service).await.unwrap().status(), 200);
    assert!(!injector.is_armed());
    assert_eq!(injector.snapshot().active, 0);
    assert_eq!(injector.arm(slow_and_down()), Err(ArmError::KillSwitch));
}

#[tokio::test(start_paused = true)]
async fn a_kill_file_that_names_a_fault_stops_that_one() {
    let file = KillFile::new("one");
    let injector = file.injector();
    let service = greeter(&injector);
    injector.arm(slow_and_down()).unwrap();
    file.write("down\n");
    assert_eq!(call(&service).await.unwrap().status(), 200);
    let began = tokio::time::Instant::now();
    assert_eq!(call(&service).await.unwrap().status(), 200);
    assert!(
        began.elapsed() >= SECOND,
        "the other fault is still injected"
    );
}

#[tokio::test(start_paused = true)]
async fn a_kill_file_that_cannot_be_parsed_stops_everything() {
    let file = KillFile::new("odd");
    let injector = file.injector();
    let service = greeter(&injector);
    injector.arm(slow_and_down()).unwrap();
    file.write("down, upside-down");
    assert_eq!(call(&service).await.unwrap().status(), 200);
    assert!(!injector.is_armed());
}

#[tokio::test(start_paused = true)]
async fn a_kill_file_that_names_an_experiment_stops_that_one() {
    let file = KillFile::new("experiment");
    let injector = file.injector();
    let service = greeter(&injector);
    let experiment = |name: &'static str| slow_and_down().experiment(name);
    file.write("experiment: errors at 5 %");
    injector.arm(experiment("hung responses")).unwrap();
    assert_eq!(call(&service).await.unwrap().status(), 503);
    assert!(injector.is_armed());
    injector.disarm();
    assert_eq!(
        injector.arm(experiment("errors at 5 %")),
        Err(ArmError::KillSwitch)
    );
    // And while it is armed.
    file.write("experiment: another");
    injector.arm(experiment("errors at 5 %")).unwrap();
    file.write("experiment: errors at 5 %, experiment: another");
    assert_eq!(call(&service).await.unwrap().status(), 200);
    assert!(!injector.is_armed());
}

/// In a separate process, with an environment variable.
fn with_variable(name: &str, value: &str, test: &str) {
    let me = std::env::current_exe().expect("the path of the test binary");
    let test = format!("switches::{test}");
    let ran = std::process::Command::new(me)
        .args(["--exact", &test, "--ignored"])
        .env(name, value)
        .output()
        .expect("the test binary can be run");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn a_variable_stops_everything_or_a_fault() {
    let variable = "BUTTRESS_CHAOS_KILL";
    for value in ["1", "", "all", "down, up"] {
        with_variable(variable, value, "with_all_faults_killed");
    }
    with_variable(variable, "down", "with_one_fault_killed");
    with_variable(variable, "experiment: drill", "with_an_experiment_killed");
}

#[tokio::test(start_paused = true)]
#[ignore = "runs in a process with BUTTRESS_CHAOS_KILL"]
async fn with_all_faults_killed() {
    let injector = Injector::new("test", InjectorConfig::default());
    assert_eq!(injector.arm(slow_and_down()), Err(ArmError::KillSwitch));
}

#[tokio::test(start_paused = true)]
#[ignore = "runs in a process with BUTTRESS_CHAOS_KILL"]
async fn with_one_fault_killed() {
    let injector = Injector::new("test", InjectorConfig::default());
    let service = greeter(&injector);
    injector.arm(slow_and_down()).unwrap();
    for _ in 0..2 {
        assert_eq!(call(&service).await.unwrap().status(), 200);
    }
    assert!(injector.is_armed(), "the other fault is still injected");
}

#[tokio::test(start_paused = true)]
#[ignore = "runs in a process with BUTTRESS_CHAOS_KILL"]
async fn with_an_experiment_killed() {
    let injector = Injector::new("test", InjectorConfig::default());
    let drill = slow_and_down().experiment("drill");
    assert_eq!(injector.arm(drill), Err(ArmError::KillSwitch));
    assert_eq!(injector.arm(slow_and_down()), Ok(()));
}

/// Other values, which must not arm it.
#[test]
fn no_variable_arms() {
    for name in [
        "BUTTRESS_CHAOS",
        "BUTTRESS_CHAOS_ARM",
        "BUTTRESS_CHAOS_ARMED",
        "BUTTRESS_CHAOS_ENABLED",
        "BUTTRESS_CHAOS_PLAN",
        "BUTTRESS_CHAOS_SEED",
        "CHAOS",
    ] {
        with_variable(name, "1", "with_variables_that_must_not_arm");
    }
}

#[tokio::test(start_paused = true)]
#[ignore = "runs in a process with variables"]
async fn with_variables_that_must_not_arm() {
    let injector = Injector::new("test", InjectorConfig::default().fault_header(true));
    let service = greeter(&injector);
    let response = call(&service).await.unwrap();
    assert!(response.headers().is_empty(), "{response:?}");
    assert!(!injector.is_armed());
    assert_eq!(injector.snapshot().calls, 0);
}

#[tokio::test(start_paused = true)]
async fn the_handle_stops_one_fault_or_all() {
    let injector = injector();
    let service = greeter(&injector);
    injector.arm(slow_and_down()).unwrap();
    assert!(!injector.stop("other"));
    assert!(injector.stop("down"));
    assert_eq!(call(&service).await.unwrap().status(), StatusCode::OK);
    assert!(injector.is_armed());
    injector.disarm();
    assert!(!injector.is_armed());
}
