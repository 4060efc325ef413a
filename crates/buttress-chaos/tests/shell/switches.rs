use std::path::PathBuf;

use buttress_chaos::{Answer, ArmError, Fault, Injector, Latency, Plan, PlannedFault};
use http::StatusCode;

use crate::support::{SECOND, answer, call, greeter, injector, quiet};

/// A path of this test's own, gone at its end.
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

/// A plan that delays every call and answers it with 503.
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
    assert_eq!(injector.arm(slow_and_down()), Err(ArmError::Killed));
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
    assert!(began.elapsed() >= SECOND, "the other fault goes on");
}

#[tokio::test(start_paused = true)]
async fn a_kill_file_that_nobody_understands_stops_everything() {
    let file = KillFile::new("odd");
    let injector = file.injector();
    let service = greeter(&injector);
    injector.arm(slow_and_down()).unwrap();
    file.write("down, upside-down");
    assert_eq!(call(&service).await.unwrap().status(), 200);
    assert!(!injector.is_armed());
}

#[tokio::test(start_paused = true)]
async fn a_variable_kills_and_none_arms() {
    // Set for every process, and not empty.
    let config = quiet().kill_variable("PATH".to_owned());
    let injector = Injector::new("test", config);
    assert!(!injector.is_armed());
    assert_eq!(injector.arm(answer(Answer::Error)), Err(ArmError::Killed));
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
