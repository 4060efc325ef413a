//! Game days from files: valid files, and the positions of errors.
use std::time::Duration;

use buttress_chaos::{
    Answer, BodyFault, Bounds, Fault, Injector, InjectorConfig, Key, Latency, Path, Plan,
    PlannedFault, Ratio, SteadyStateConfig, Subset, Target, Trigger,
};
use buttress_game_day::{Experiment, GameDay, GameDayError, GameDayReport, Observer};

const MS: Duration = Duration::from_millis(1);

const ALL_OF_IT: &str = r#"
seed = 7

[[experiment]]
name = "everything"
before = "1 s"
during = "2 s"
recovery = "0 s"
after = "500 ms"
hypothesis = { failure_ratio = 0.05, minimum_calls = 5 }
guard = { latency = { quantile = 0.99, most = "2 s" }, burn_rate = { objective = 0.999, most = 14.4 }, window = "5 s" }
bounds = { max_active = 10, blast_radius = 0.5, start_delay = "100 ms", ttl = "1 min" }

[[experiment.fault]]
name = "slow"
rate = 0.2
delay = { pareto = { scale = "10 ms", shape = 1.5 } }
target = { methods = ["GET"], path = "/orders/*", headers = { "X-Tenant" = "acme", x-debug = "*" } }

[[experiment.fault]]
name = "down"
trigger = "header"
answer = { grpc_status = { code = 14, message = "no" } }
target = { subset = { header = "X-Region", from = 0.1, to = 0.2 } }

[[experiment.fault]]
name = "cut"
body = { truncate = { after = 10 } }

[[experiment]]
name = "nothing"
hypothesis = { failure_ratio = 0.0 }
"#;

#[test]
fn a_file_is_the_same_as_code() {
    let experiments = [
        Experiment::new(
            "everything",
            SteadyStateConfig::default()
                .failure_ratio(Ratio::percent(5))
                .minimum_calls(5),
            Plan::new(7)
                .guard(
                    SteadyStateConfig::default()
                        .latency(Ratio::percent(99), 2_000 * MS)
                        .burn_rate(Ratio::new(0.999).unwrap(), 14.4)
                        .window(buttress_core::window::Window::Time(5_000 * MS)),
                )
                .bounds(
                    Bounds::default()
                        .max_active(10)
                        .blast_radius(Ratio::HALF)
                        .start_delay(100 * MS)
                        .ttl(60_000 * MS),
                )
                .fault(
                    PlannedFault::new(
                        "slow",
                        Fault::Delay(Latency::Pareto {
                            scale: 10 * MS,
                            shape: 1.5,
                        }),
                    )
                    .rate(Ratio::percent(20))
                    .target(
                        Target::default()
                            .methods(["GET"])
                            .path(Path::Under("/orders".into()))
                            .header("x-tenant", buttress_core::Name::from("acme"))
                            .header("x-debug", None),
                    ),
                )
                .fault(
                    PlannedFault::new(
                        "down",
                        Fault::Answer(Answer::GrpcStatus {
                            code: 14,
                            message: "no".into(),
                        }),
                    )
                    .trigger(Trigger::Header)
                    .target(Target::default().subset(Subset {
                        key: Key::Header("x-region".into()),
                        from: Ratio::percent(10),
                        to: Ratio::percent(20),
                    })),
                )
                .fault(PlannedFault::new(
                    "cut",
                    Fault::Body(BodyFault::Truncate { after: 10 }),
                )),
        )
        .before(1_000 * MS)
        .during(2_000 * MS)
        .recovery(Duration::ZERO)
        .after(500 * MS),
        Experiment::new(
            "nothing",
            SteadyStateConfig::default().failure_ratio(Ratio::ZERO),
            Plan::new(7),
        ),
    ];
    let game_day = GameDay::from_toml(ALL_OF_IT).unwrap();
    assert_eq!(game_day.experiments(), experiments);
}

#[test]
fn a_dry_run_lists_the_experiments() {
    let text = GameDay::from_toml(ALL_OF_IT).unwrap().to_string();
    assert_eq!(
        text,
        "everything: before 1s, during 2s, recovery 0ns, after 500ms\n  \
         slow: delay of 10ms and more (Pareto, shape 1.5) for 20% of all calls with GET under /orders with x-tenant: acme with x-debug\n  \
         down: grpc_status 14 for 100% of all calls, the part from 10% to 20% by x-region that ask for it\n  \
         cut: truncate after 10 bytes for 100% of all calls\n\
         nothing: before 5s, during 10s, recovery 5s, after 5s\n"
    );
}

/// An experiment with these lines in its only fault, which starts in line 8.
fn refused(fault: &str) -> GameDayError {
    let text = format!(
        "seed = 1\n\n[[experiment]]\nname = \"a\"\nhypothesis = {{ failure_ratio = 0.1 }}\n\n[[experiment.fault]]\n{fault}\n"
    );
    GameDay::from_toml(&text).expect_err("refused")
}

#[test]
fn an_invalid_fault_is_rejected_with_its_position() {
    for (fault, line, says) in [
        (
            "name = \"f\"\nrate = 1.5\nanswer = \"error\"",
            9,
            "from 0 to 1",
        ),
        (
            "name = \"f\"\nrat = 0.5\nanswer = \"error\"",
            9,
            "unknown field `rat`",
        ),
        ("name = \"f\"\ndelay = { fixed = \"-1 s\" }", 9, "negative"),
        ("name = \"f\"\ndelay = { fixed = 5 }", 9, "string"),
        (
            "name = \"f\"\nanswer = { status = 200 }",
            9,
            "from 400 to 599",
        ),
        (
            "name = \"f\"\nanswer = \"explode\"",
            9,
            "unknown variant `explode`",
        ),
        ("name = \"f\"", 7, "one of answer, body and delay"),
        (
            "name = \"f\"\nanswer = \"hang\"\ndelay = { fixed = \"1 s\" }",
            7,
            "one of answer",
        ),
        ("answer = \"hang\"", 7, "missing field `name`"),
        (
            "name = \"f\"\ntarget = { methods = 3 }\nanswer = \"hang\"",
            9,
            "sequence",
        ),
    ] {
        let error = refused(fault);
        assert!(error.to_string().contains(says), "{fault}: {error}");
        assert_eq!(error.line(), line, "{fault}: {error}");
    }
}

#[test]
fn an_invalid_experiment_is_rejected_with_its_position() {
    let text = |lines: &str| format!("[[experiment]]\nname = \"a\"\n{lines}\n");
    for (lines, line, says) in [
        ("hypothesis = {}", 3, "guard"),
        (
            "hypothesis = { failure_ratio = 0.1 }\nbounds = { ttl = \"0 s\" }",
            4,
            "ttl",
        ),
        (
            "hypothesis = { failure_ratio = 0.1 }\nbounds = { max_active = 0 }",
            4,
            "max_active",
        ),
        (
            "hypothesis = { failure_ratio = 0.1 }\nguard = { burn_rate = { objective = 1.0, most = 1 } }",
            4,
            "objective",
        ),
        (
            "hypothesis = { failure_ratio = 0.1 }\nduration = \"1 s\"",
            4,
            "unknown field",
        ),
        (
            "hypothesis = { failure_ratio = 0.1 }\nsteady_state = {}",
            4,
            "guard",
        ),
        (
            "hypothesis = { failure_ratio = 0.1 }\ntraffic = 0.0",
            4,
            "traffic is 0",
        ),
        (
            "hypothesis = { failure_ratio = 0.1 }\ntraffic = nan",
            4,
            "traffic is NaN",
        ),
        ("", 1, "missing field `hypothesis`"),
    ] {
        let error = GameDay::from_toml(&text(lines)).unwrap_err();
        assert!(error.to_string().contains(says), "{lines}: {error}");
        assert_eq!(error.line(), line, "{lines}: {error}");
    }
    let nothing = GameDay::from_toml("seed = 1").unwrap_err();
    assert!(nothing.to_string().contains("no [[experiment]]"));
    let no_toml = GameDay::from_toml("seed = 1\nseed").unwrap_err();
    assert_eq!(no_toml.line(), 2);
}

#[test]
fn faults_that_exclude_each_other_are_rejected_at_the_second() {
    let error = refused(
        "name = \"a\"\nanswer = \"hang\"\n\n[[experiment.fault]]\nname = \"b\"\nanswer = \"error\"",
    );
    assert!(error.to_string().contains("fault \"b\""), "{error}");
    assert_eq!(error.line(), 11);
}

#[tokio::test(start_paused = true)]
async fn reports_are_json_and_markdown() {
    let injector = Injector::new("test", InjectorConfig::default().kill_variable(None));
    let observer = Observer::new();
    let calls = tokio::spawn({
        let observer = observer.clone();
        async move {
            loop {
                observer.record(false, Duration::from_millis(1));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
    let report: GameDayReport = GameDay::from_toml(ALL_OF_IT)
        .unwrap()
        .run(&injector, &observer)
        .await
        .unwrap();
    calls.abort();
    assert!(report.held);
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["held"], true);
    assert_eq!(json["experiments"][0]["outcome"], "held");
    assert_eq!(json["experiments"][0]["faults"][1], "down");
    assert!(json["experiments"][0]["during"]["calls"].as_u64() > Some(0));
    let markdown = report.to_string();
    assert!(markdown.starts_with("# Game day\n\n2 of 2 hypotheses held.\n"));
    assert!(markdown.contains("| everything | held |"));
}

#[test]
fn another_seed_keeps_the_experiments() {
    let day = GameDay::from_toml(ALL_OF_IT).unwrap();
    let other = day.clone().reseeded(8_000);
    for (one, two) in day.experiments().iter().zip(other.experiments()) {
        assert_eq!(two.plan().seed(), 8_000);
        assert_eq!(one.plan().faults(), two.plan().faults());
    }
    assert_eq!(other.reseeded(day.experiments()[0].plan().seed()), day);
}
