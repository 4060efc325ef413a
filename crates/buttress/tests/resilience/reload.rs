use buttress::Resilience;
use buttress::breaker::CircuitState;

const FILE: &str = "
[server.api]
deadline = {}
[client.payments]
deadline.timeout = '1 s'
retry = {}
breaker = { consecutive_failures = 3, open_for = '1 h' }
";

#[test]
fn a_reload_keeps_measurements_and_applies_new_values() {
    let resilience = Resilience::from_toml(FILE).unwrap();
    let breaker = resilience.breaker("payments").unwrap();
    breaker.trip();

    let other = FILE.replace("failures = 3", "failures = 7") + "[client.search]\nretry = {}\n";
    resilience.reload(&other).unwrap();
    assert_eq!(breaker.state(), CircuitState::Open);
    let config = breaker.config().consecutive_failures(3);
    assert_ne!(breaker.config(), config, "the value is 7 now");
    assert!(resilience.retry("search").is_some());
    assert!(resilience.breaker("search").is_none());
}

#[test]
fn a_reload_with_a_mistake_changes_nothing() {
    let resilience = Resilience::from_toml(FILE).unwrap();
    let before = resilience.breaker("payments").unwrap().config();
    let other = FILE.replace("failures = 3", "failures = 7");

    for (mistake, told) in [
        (
            "\n[server.api.deadlines]\n",
            "server.api.deadlines is unknown",
        ),
        (
            "\n[server.api.problem]\ninstance = 3\n",
            "server.api.problem.instance is 3",
        ),
    ] {
        let error = resilience.reload(&(other.clone() + mistake)).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!(resilience.breaker("payments").unwrap().config(), before);
    }
}

#[test]
fn layers_in_use_are_neither_added_nor_removed() {
    let resilience = Resilience::from_toml(FILE).unwrap();
    let _in_use = (
        resilience.server("api").unwrap(),
        resilience.client("payments").unwrap(),
    );
    for (from, to, told) in [
        (
            "retry = {}",
            "",
            "line 4, column 9: client.payments.retry is missing, but must be there, as it is in use: mode = \"off\" turns it off",
        ),
        (
            "deadline = {}",
            "",
            "line 2, column 9: server.api.deadline is missing",
        ),
        (
            "[server.api]\ndeadline = {}",
            "",
            "line 1, column 1: server.api is missing, but must be there, as it is in use",
        ),
    ] {
        let error = resilience.reload(&FILE.replace(from, to)).unwrap_err();
        assert!(error.to_string().starts_with(told), "{error}");
        assert_eq!(error.mistakes().len(), 1, "{error}");
    }

    let resilience = Resilience::from_toml("[client.payments]\nretry = {}").unwrap();
    let service = resilience.client("payments").unwrap().service(());
    let error = resilience
        .reload("[client.payments]\nretry = {}\nbreaker = {}")
        .unwrap_err();
    let told = "line 3, column 1: client.payments.breaker is new, but must be there from the start";
    assert_eq!(error.to_string(), told);
    drop(service);
}

#[test]
fn unused_stacks_are_added_and_removed() {
    let resilience = Resilience::from_toml(FILE).unwrap();
    drop(resilience.client("payments").unwrap().service(()));
    let _in_use = resilience.server("api").unwrap();
    resilience.breaker("payments").unwrap().trip();

    // As long as its layers are the same, it keeps its measurements.
    let other = FILE.replace("failures = 3", "failures = 7");
    resilience.reload(&other).unwrap();
    let breaker = resilience.breaker("payments").unwrap();
    assert_eq!(breaker.state(), CircuitState::Open);

    let fewer = FILE.replace("retry = {}", "bulkhead = {}");
    resilience.reload(&fewer).unwrap();
    assert!(resilience.retry("payments").is_none());
    assert!(resilience.bulkhead("payments").is_some());

    resilience.reload("[server.api]\ndeadline = {}").unwrap();
    assert!(resilience.client("payments").is_err());
    let error = resilience.reload("").unwrap_err();
    let told = "server.api is missing, but must be there, as it is in use";
    assert!(error.to_string().contains(told), "{error}");
}

#[test]
fn a_shedder_keeps_its_limit_and_applies_new_values() {
    let file = "[server.api.shed]\nlimit = { initial = 30 }\ntenants.header = 'x-tenant'\n\
                [client.payments]\nthrottle = {}";
    let resilience = Resilience::from_toml(file).unwrap();
    let _in_use = (
        resilience.server("api").unwrap(),
        resilience.client("payments").unwrap(),
    );
    let (server, client) = (
        resilience.shedder("api").unwrap(),
        resilience.shedder("payments").unwrap(),
    );
    assert_eq!(server.snapshot().limit.limit, 30);
    assert!(client.snapshot().throttle.is_some());

    let other = file.replace("initial = 30", "initial = 50, max = 60") + "\nshed.queue = 7";
    resilience.reload(&other).unwrap();
    assert_eq!(server.snapshot().limit.limit, 30, "the limit is unchanged");
    assert!(client.snapshot().throttle.is_some());
    assert_eq!(
        client.snapshot().limit.limit,
        20,
        "the limit is configured now"
    );

    // Calls in flight are counted by tenant in the existing buckets.
    let finer = other.replace("tenants.header", "tenants.buckets = 64\ntenants.header");
    let error = resilience.reload(&finer).unwrap_err();
    let told = "line 3, column 19: server.api.shed.tenants.buckets is 64, but must be as many as are in use";
    assert_eq!(error.to_string(), told);

    let error = resilience
        .reload(&other.replace("throttle = {}\nshed.queue = 7", ""))
        .unwrap_err();
    let told =
        "line 4, column 9: client.payments.shed is missing, but must be there, as it is in use";
    assert!(error.to_string().starts_with(told), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_reload_changes_when_calls_end() {
    let inner = tower::service_fn(|_: http::Request<axum::body::Body>| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(axum::body::Body::from("an answer")))
    });
    for pattern in ["bulkhead", "shed"] {
        let file = |until| format!("[server.api.{pattern}]\nuntil = '{until}'");
        let resilience = Resilience::from_toml(&file("body_end")).unwrap();
        let service = resilience.server("api").unwrap().service(inner);
        let in_flight = || match pattern {
            "bulkhead" => resilience.bulkhead("api").unwrap().snapshot().in_flight,
            _ => resilience.shedder("api").unwrap().snapshot().in_flight,
        };
        for (until, held) in [("body_end", 1), ("headers", 0), ("body_end", 1)] {
            resilience.reload(&file(until)).unwrap();
            let request = http::Request::new(axum::body::Body::empty());
            let response = tower::ServiceExt::oneshot(service.clone(), request).await;
            assert_eq!(in_flight(), held, "{pattern}, {until}");
            drop(response);
            assert_eq!(in_flight(), 0, "{pattern}, {until}");
        }
    }
}
