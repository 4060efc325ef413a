//! Invalid files: each error has its position, and the field, the value and the bound.
use std::time::Duration;

use buttress_chaos::{ChaosLayer, Injector, InjectorConfig, PlannedFault};
use buttress_game_day::{GameDay, Observer, Outcome};
use tower::{Layer, ServiceExt, service_fn};

/// Checks that the file is rejected with exactly this text, which starts with the position.
#[track_caller]
fn refused(lines: &str, says: &str) {
    let text = format!("{EXPERIMENT}{lines}\n");
    let error = GameDay::from_toml(&text).expect_err("refused");
    let place = format!("line {}, column {}: ", error.line(), error.column());
    assert_eq!(error.to_string(), says, "{lines}");
    assert!(says.starts_with(&place), "{lines}");
}

const EXPERIMENT: &str = "\
[[experiment]]
name = \"a\"
hypothesis = { failure_ratio = 0.1 }
";

#[test]
fn a_rate_over_one_is_rejected() {
    refused(
        "[[experiment.fault]]\nname = 'f'\nanswer = 'error'\nrate = 1.5",
        "line 7, column 8: rate is 1.5, but must be from 0 to 1",
    );
    refused(
        "bounds = { blast_radius = 2.0 }",
        "line 4, column 27: blast_radius is 2, but must be from 0 to 1",
    );
}

#[test]
fn an_unknown_field_is_rejected() {
    refused(
        "bounds = { max_activ = 5 }",
        "line 4, column 12: unknown field `max_activ`, expected one of `max_active`, `blast_radius`, `start_delay`, `ttl`",
    );
    refused(
        "[[experiment.fault]]\nname = 'f'\nanswer = 'error'\nodds = 0.5",
        "line 7, column 1: unknown field `odds`, expected one of `name`, `answer`, `body`, `delay`, `rate`, `target`, `trigger`",
    );
}

#[test]
fn a_negative_delay_is_rejected() {
    refused(
        "[[experiment.fault]]\nname = 'f'\ndelay = { fixed = '-1 s' }",
        "line 6, column 9: delay is \"-1 s\", but must be a time, as \"250 ms\" or \"1.5 s\": it must not be negative",
    );
    refused(
        "[[experiment.fault]]\nname = 'f'\ndelay = { uniform = { least = '3 s', most = '2 s' } }",
        "line 6, column 23: fault \"f\": delay.least is 3s, but must be at most delay.most, 2s",
    );
}

#[test]
fn a_time_to_live_of_zero_is_rejected() {
    refused(
        "bounds = { max_active = 5, ttl = '0 s' }",
        "line 4, column 28: ttl is 0ns, but must be above 0 s and at most 604800s",
    );
    refused(
        "[experiment.bounds]\nmax_active = 5\nttl = '0 s'",
        "line 6, column 1: ttl is 0ns, but must be above 0 s and at most 604800s",
    );
}

#[test]
fn faults_that_exclude_each_other_and_overlap_are_rejected() {
    refused(
        "[[experiment.fault]]\nname = 'a'\nanswer = 'hang'\ntarget = { path = '/x/*' }\n\
         [[experiment.fault]]\nname = 'b'\nanswer = 'error'\ntarget = { path = '/x/y' }",
        "line 11, column 1: fault \"b\": target is all calls of /x/y, but must be apart from that of \"a\": a call meets only one answer",
    );
    refused(
        "[[experiment.fault]]\nname = 'a'\nbody = 'lose_trailers'\n\
         [[experiment.fault]]\nname = 'b'\nbody = { truncate = { after = 1 } }",
        "line 7, column 1: fault \"b\": target is all calls, but must be apart from that of \"a\": a call meets only one fault in its body",
    );
}

/// This is known only when the experiment starts, and the report has the position of the guard.
#[tokio::test(start_paused = true)]
async fn a_guard_that_is_broken_at_the_start_is_rejected() {
    let day = format!(
        "{EXPERIMENT}guard = {{ failure_ratio = 0.2 }}\n[[experiment.fault]]\nname = 'f'\nanswer = 'hang'\n"
    );
    let day = GameDay::from_toml(&day).unwrap();
    let injector = Injector::new("test", InjectorConfig::default().kill_variable(None));
    let observer = Observer::new();
    let down = ChaosLayer::new(&injector).layer(service_fn(|(): ()| async {
        Err::<(), _>(std::io::Error::other("down already"))
    }));
    let load = tokio::spawn({
        let observer = observer.clone();
        async move {
            loop {
                let _ = down.clone().oneshot(()).await;
                // The callers now get successes.
                observer.record(false, Duration::ZERO);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    });
    let report = day.run(&injector, &observer).await.unwrap();
    load.abort();
    let report = &report.experiments[0];
    assert!(
        matches!(report.outcome, Outcome::GuardBroken(_)),
        "{report}"
    );
    assert_eq!((report.refused_at, &report.during), (Some((4, 9)), &None));
    let said = report.to_string();
    assert!(
        said.contains("failure ratio is 100.00%, but must be at most 20.00%"),
        "{said}"
    );
    assert!(said.contains("Line 4, column 9."), "{said}");
    assert_eq!(injector.snapshot().affected, 0);
    assert!(!injector.is_armed());
    // The guard no longer watches.
    let nothing = buttress_chaos::Plan::new(1).fault(PlannedFault::new(
        "f",
        buttress_chaos::Fault::Answer(buttress_chaos::Answer::Error),
    ));
    assert_eq!(injector.arm(nothing), Ok(()));
}
