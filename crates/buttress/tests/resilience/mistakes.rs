use buttress::Resilience;
use buttress::resilience::ResilienceError;

fn refuse(text: &str) -> ResilienceError {
    Resilience::from_toml(text).unwrap_err()
}

#[test]
fn every_mistake_has_its_position_key_value_and_bound() {
    let table = [
        // Invalid TOML, or not a stack.
        ("[server.api", "line 1, column 12: the file is "),
        (
            "[servers.api]",
            "line 1, column 2: servers is unknown, but must be one of client, server",
        ),
        (
            "server = 3",
            "line 1, column 10: server is 3, but must be a table",
        ),
        (
            "[server]\napi = 'x'",
            "line 2, column 7: server.api is 'x', but must be a table",
        ),
        (
            "[server.api.retry]",
            "line 1, column 13: server.api.retry is unknown, but must be one of bulkhead, deadline, problem, shed",
        ),
        (
            "[client.a.problem]",
            "line 1, column 11: client.a.problem is unknown, but must be one of breaker, bulkhead, deadline, retry, shed, throttle",
        ),
        (
            "[client.a]\n\n  [client.a.retry]\n  atempts = 3",
            "line 4, column 3: client.a.retry.atempts is unknown, but must be one of attempts, backoff, ",
        ),
        // Values of the wrong kind.
        (
            "[server.api]\ndeadline = { timeout = \"2 sec\" }",
            "line 2, column 24: server.api.deadline.timeout is \"2 sec\", but must be a time, as \"250 ms\" or \
             \"1.5 s\": its unit must be us, ms, s, min or h",
        ),
        (
            "[server.api]\ndeadline = { timeout = 2 }",
            "line 2, column 24: server.api.deadline.timeout is 2, but must be a time, as \"250 ms\" or \"1.5 s\": \
             it needs quotes",
        ),
        (
            "client.a.breaker.failure_ratio = 1.5",
            "line 1, column 34: client.a.breaker.failure_ratio is 1.5, but must be \"off\", or a ratio from 0 to 1",
        ),
        (
            "client.a.breaker.probe_failure_ratio = nan",
            "line 1, column 40: client.a.breaker.probe_failure_ratio is nan, but must be a ratio from 0 to 1",
        ),
        (
            "client.a.breaker.probes = -1",
            "line 1, column 27: client.a.breaker.probes is -1, but must be a whole number from 0 to 4294967295",
        ),
        (
            "client.a.breaker.window = [1]",
            "line 1, column 27: client.a.breaker.window is [1], but must be a number of calls, or a time, ",
        ),
        (
            "client.a.retry.backoff.jitter = 'some'",
            "line 1, column 33: client.a.retry.backoff.jitter is 'some', but must be one of \"full\", \"equal\", \
             \"decorrelated\", \"none\"",
        ),
        (
            "client.a.retry.mode = 'maybe'",
            "line 1, column 23: client.a.retry.mode is 'maybe', but must be one of \"enforce\", \"shadow\", \"off\", \
             or the share of calls for which it enforces, from 0 to 1",
        ),
        (
            "client.a.retry.timeout_cost = 0.5",
            "line 1, column 31: client.a.retry.timeout_cost is 0.5, but must be a number of attempts from 1 to 1000",
        ),
        (
            "client.a.deadline.header = 'x-time'",
            "line 1, column 28: client.a.deadline.header is 'x-time', but must be one of ",
        ),
        (
            "server.a.deadline.trusted_headers = ['x-deadline', 'date']",
            "line 1, column 37: server.a.deadline.trusted_headers is ['x-deadline', 'date'], but must be a list, each one of ",
        ),
        (
            "server.a.problem.request_id_header = 'no name'",
            "line 1, column 38: server.a.problem.request_id_header is 'no name', but must be \"off\", or the name of a header",
        ),
        // Values that a layer rejects.
        (
            "[client.a.retry]\nattempts = 0",
            "line 2, column 12: client.a.retry.attempts is 0, but must be from 1 to 100",
        ),
        (
            "[client.a.retry]\nbudget = { ratio = -1.0 }",
            "line 2, column 20: client.a.retry.budget.ratio is -1.0, but must be from 0 to 100",
        ),
        (
            "[client.a.retry.backoff]\nbase = \"10 s\"",
            "line 2, column 8: client.a.retry.backoff.base is \"10 s\", but must be at most backoff.cap, 5s",
        ),
        (
            "[client.a.breaker]\nopen_for = { max = \"100 ms\" }",
            "line 1, column 11: client.a.breaker.open_for.initial is 250ms, but must be at most open_for.max, 100ms",
        ),
        (
            "[client.a.breaker]\nslow_calls = { threshold = \"1 s\" }",
            "line 2, column 1: client.a.breaker.slow_calls.ratio is missing, but must be there",
        ),
        (
            "[server.a.deadline]\ntimeout = \"2 s\"\nmaximum = \"1 s\"",
            "line 3, column 11: server.a.deadline.maximum is \"1 s\", but must be at least the timeout, 2s",
        ),
        (
            "[server.a.bulkhead]\nlimit = 0",
            "line 2, column 9: server.a.bulkhead.limit is 0, but must be from 1 to 1000000",
        ),
        (
            "[server.a.bulkhead]\npartitions = { \"/a\" = 0.6, \"/b\" = 0.6 }",
            "line 1, column 11: server.a.bulkhead.partitions.share is 120% in all, but must be at most 100%",
        ),
        (
            "[server.a.bulkhead]\nlimit = 3\npartitions = { \"/a\" = 0.2 }",
            "line 1, column 11: server.a.bulkhead.partitions.share is 20% of 3 for \"/a\", but must be one slot at \
             least, or 0%",
        ),
        (
            "[server.a.bulkhead]\npartitions = { \"/a\" = 2 }",
            "line 2, column 23: server.a.bulkhead.partitions./a is 2, but must be a ratio from 0 to 1",
        ),
        (
            "[server.a.bulkhead]\npartitions = { \"/a/b\" = 0.2 }",
            "line 2, column 25: server.a.bulkhead.partitions./a/b is 0.2, but must be the first segment of a path, such as \
             \"/checkout\"",
        ),
        (
            "[server.a.bulkhead]\npartitions = {}",
            "line 2, column 1: server.a.bulkhead.partitions is a list of 0, but must be from 1 to 64 partitions",
        ),
        (
            "[server.a.bulkhead]\norder = { congested_after = \"0 s\" }",
            "line 2, column 29: server.a.bulkhead.order.congested_after is \"0 s\", but must be above 0s",
        ),
        (
            "[server.a.shed]\ncontrolled_delay = { interval = '5 ms' }",
            "line 2, column 33: server.a.shed.controlled_delay.interval is '5 ms', but must be above 5ms, the target",
        ),
        (
            "[server.a.shed]\nlimit = 0",
            "line 2, column 9: server.a.shed.limit is 0, but must be from 1 to 1000000",
        ),
        (
            "[server.a.shed]\nlimit = 'guarded'",
            "line 2, column 9: server.a.shed.limit is 'guarded', but must be \"off\", or a whole number from 0 to 4294967295",
        ),
        (
            "[server.a.shed]\nlimit = { min = 0 }",
            "line 2, column 17: server.a.shed.limit.min is 0, but must be at least 1",
        ),
        (
            "[server.a.shed]\nlimit = { rule = 'vegas', max = 10 }",
            "line 1, column 11: server.a.shed.limit.initial is 20, but must be from 2 (min) to 10 (max)",
        ),
        (
            "[server.a.shed]\nlimit = { rule = 'newreno' }",
            "line 2, column 18: server.a.shed.limit.rule is 'newreno', but must be one of \"guarded\", \"gradient\", \
             \"vegas\", \"aimd\"",
        ),
        (
            "[server.a.shed]\nlimit = { rule = 'aimd' }",
            "line 2, column 1: server.a.shed.limit.timeout is missing, but must be there",
        ),
        (
            "[server.a.shed]\nlimit = { timeout = '1 s' }",
            "line 2, column 11: server.a.shed.limit.timeout is unknown, but must be one of rule, initial, min, max",
        ),
        (
            "[server.a.shed]\nqueue = 4_000_000_000",
            "line 2, column 9: server.a.shed.queue is 4_000_000_000, but must be at most 1000000",
        ),
        (
            "[server.a.shed]\nshares = { high = 0.9, low = 0.2 }",
            "line 2, column 1: server.a.shed.shares is 130% in all, but must be above 0% and at most 100%",
        ),
        (
            "[server.a.shed]\nshares.urgent = 0.5",
            "line 2, column 8: server.a.shed.shares.urgent is unknown, but must be one of low, medium, high, critical, reservation_ttl",
        ),
        (
            "[server.a.shed]\ntenants = {}",
            "line 2, column 1: server.a.shed.tenants.header is missing, but must be there",
        ),
        (
            "[server.a.shed]\ntenants = { header = 'x-tenant', buckets = 1 }",
            "line 2, column 44: server.a.shed.tenants.buckets is 1, but must be from 64 to 65536",
        ),
        (
            "[server.a.shed]\npressure.memory = { from = 0.9 }",
            "line 2, column 10: server.a.shed.pressure.memory.to is missing, but must be there",
        ),
        (
            "[server.a.shed]\npressure.run_delay = { from = '20 ms', to = '10 ms' }",
            "line 2, column 10: server.a.shed.pressure.run_delay is 20ms to 10ms, but must be above 0, and the second ",
        ),
        (
            "[server.a.shed]\ntrust = 'all'",
            "line 2, column 9: server.a.shed.trust is 'all', but must be one of \"to_lower\", \"always\", \"never\"",
        ),
        (
            "[server.a.shed]\ncriticality = 'urgent'",
            "line 2, column 15: server.a.shed.criticality is 'urgent', but must be one of \"low\", \"medium\", \"high\", \
             \"critical\"",
        ),
        (
            "[server.a.throttle]",
            "line 1, column 11: server.a.throttle is unknown, but must be one of ",
        ),
        (
            "[client.a.shed]\ntenants = { header = 'x-tenant' }",
            "line 2, column 1: client.a.shed.tenants is unknown, but must be one of ",
        ),
        (
            "[client.a.throttle]\nmultiplier = 1",
            "line 2, column 14: client.a.throttle.multiplier is 1, but must be above 1 and at most 100",
        ),
        (
            "[client.a.throttle]\nfloor = 0",
            "line 2, column 9: client.a.throttle.floor is 0, but must be at least 1",
        ),
        // Contradictions.
        (
            "[server.a]\ndeadline.timeout = \"100 ms\"\nshed.max_wait = \"125 ms\"",
            "line 3, column 17: server.a.shed.max_wait is \"125 ms\", but must be shorter than deadline.timeout, \"100 ms\"",
        ),
        (
            "[server.a]\ndeadline.timeout = \"100 ms\"\nshed.margin = \"1 s\"",
            "line 3, column 15: server.a.shed.margin is \"1 s\", but must be shorter than deadline.timeout, \"100 ms\"",
        ),
        (
            "[server.a]\nshed.limit = 100\nbulkhead = { limit = 20, queue = 30 }",
            "line 2, column 14: server.a.shed.limit is 100, but must be at most 50, the limit and the queue of the bulkhead \
             inside",
        ),
        (
            "[client.a]\nretry.attempt_timeout = \"100 ms\"\nshed.max_wait = \"100 ms\"",
            "line 3, column 17: client.a.shed.max_wait is \"100 ms\", but must be shorter than retry.attempt_timeout, \
             \"100 ms\"",
        ),
        (
            "[client.a]\nshed = {}\nthrottle.mode = 'shadow'",
            "line 3, column 17: client.a.throttle.mode is 'shadow', but must be left out: the mode of shed is for both",
        ),
        (
            "[server.a]\ndeadline.timeout = \"1 s\"\nbulkhead.max_wait = \"1 s\"",
            "line 3, column 21: server.a.bulkhead.max_wait is \"1 s\", but must be shorter than \
             deadline.timeout, \"1 s\"",
        ),
        (
            "[client.a]\ndeadline.timeout = \"1 s\"\nretry.attempt_timeout = \"2 s\"",
            "line 3, column 25: client.a.retry.attempt_timeout is \"2 s\", but must be shorter than \
             deadline.timeout, \"1 s\"",
        ),
        (
            "[client.a]\ndeadline.timeout = \"1 s\"\nretry.backoff.base = \"1 s\"",
            "line 3, column 22: client.a.retry.backoff.base is \"1 s\", but must be shorter than \
             deadline.timeout, \"1 s\"",
        ),
        (
            "[client.a]\nretry.attempt_timeout = \"1 s\"\nbreaker.attempt_timeout = \"2 s\"",
            "line 3, column 27: client.a.breaker.attempt_timeout is \"2 s\", but must be left out, or the retry's \
             attempt_timeout, \"1 s\"",
        ),
        (
            "[client.a]\ndeadline.timeout = \"1 s\"\nbreaker.attempt_timeout = \"1 s\"",
            "line 3, column 27: client.a.breaker.attempt_timeout is \"1 s\", but must be shorter than \
             deadline.timeout, \"1 s\"",
        ),
        (
            "[client.a]\nretry.attempt_timeout = \"1 s\"\nbreaker.slow_calls = { threshold = \"1 s\", ratio = 0.5 }",
            "line 3, column 36: client.a.breaker.slow_calls.threshold is \"1 s\", but must be shorter than \
             retry.attempt_timeout, \"1 s\"",
        ),
        (
            "[server.a]\n[client.a]",
            "line 2, column 9: client.a is a server too, but must be of a name that no server has",
        ),
    ];
    for (text, expected) in table {
        let error = refuse(text);
        let told = error.to_string();
        assert!(told.starts_with(expected), "{text}\n{told}\n{expected}");
        assert_eq!(error.mistakes().len(), 1, "{text}\n{told}");
    }
}

#[test]
fn all_mistakes_of_a_file_are_reported_in_order() {
    let error = refuse(
        "[client.payments.retry]\nattempts = 1000\nbakoff = {}\n\n[server.api.deadline]\ntimeout = \"0 s\"\n",
    );
    let places: Vec<_> = error
        .mistakes()
        .iter()
        .map(|mistake| (mistake.line(), mistake.key()))
        .collect();
    // An unknown key hides none of them.
    assert_eq!(
        places,
        [
            (2, "client.payments.retry.attempts"),
            (3, "client.payments.retry.bakoff"),
            (6, "server.api.deadline.timeout")
        ]
    );
    assert_eq!(error.mistakes()[2].value(), "\"0 s\"");
    assert_eq!(
        error.mistakes()[2].bound(),
        "more than 0 and at most a year"
    );
    assert_eq!(error.to_string().lines().count(), 3);
}

#[test]
fn omitted_keys_are_not_mistakes() {
    let resilience = Resilience::from_toml("").unwrap();
    assert_eq!(
        resilience.client("payments").unwrap_err().to_string(),
        "there is no [client.payments] in the file"
    );

    let resilience = Resilience::from_toml("[client.payments]\n[client.search]").unwrap();
    assert_eq!(
        resilience.client("paymants").unwrap_err().to_string(),
        "there is no [client.paymants] in the file, but payments, search"
    );
    assert!(resilience.breaker("payments").is_none());
    assert!(resilience.retry("payments").is_none());
}

#[test]
fn every_documented_key_is_known() {
    let text = r#"
        [server.api]
        problem = { request_id_header = "x-correlation-id", instance = true, retry_after_jitter = 0.2 }

        [server.api.bulkhead]
        limit = 10
        queue = 20
        max_wait = "50 ms"
        order = { congested_after = "20 ms" }
        by_criticality = false
        controlled_delay = { target = "5 ms", interval = "100 ms" }
        margin = "10 ms"
        mode = "enforce"

        [server.api.shed]
        limit = { rule = "aimd", timeout = "1 s", initial = 50, min = 10, max = 200 }
        queue = 20
        max_wait = "50 ms"
        order = "fifo"
        by_criticality = true
        controlled_delay = {}
        shares = { critical = 0.1, high = 0.5, medium = 0.1, low = 0, reservation_ttl = "2 s" }
        tenants = { header = "x-tenant", borrow_factor = 2, buckets = 4096, reservation_ttl = "500 ms" }
        margin = "20 ms"
        pressure = { memory = { from = 0.8, to = 0.9 }, run_delay = { from = "10 ms", to = "50 ms" } }
        trust = "never"
        criticality = "medium"
        until = "headers"
        mode = 0.5

        [server.other.shed]
        limit = { rule = "gradient" }
        max_wait = "off"

        [client.payments.shed]
        limit = "off"
        queue = 0
        until = "headers"
        mode = "shadow"

        [client.payments.throttle]
        multiplier = 1.5
        window = "20 s"
        floor = 10

        [client.search.throttle]
        mode = "off"

        [client.payments.bulkhead]
        order = "lifo"
        max_wait = "off"
        reader_idle = "off"
        until = "headers"

        [client.search.bulkhead]
        reader_idle = "10 s"

        [server.api.deadline]
        timeout = "2 s"
        maximum = "30 s"
        minimum = "10 ms"
        offset = "2 ms"
        trusted_headers = ["grpc-timeout", "x-deadline"]
        clock_skew = "10 s"
        until = "headers"
        head_timeout = "1 s"
        body_idle = "5 s"
        body_timeout = "20 s"
        extension = false
        mode = 0.5

        [client.payments.deadline]
        timeout = "800 ms"
        margin = "20 ms"
        minimum = "2 ms"
        header = "x-deadline"
        until = "body_end"
        head_timeout = "500 ms"
        body_idle = "1 s"
        body_timeout = "2 s"
        mode = "shadow"

        [client.payments.retry]
        attempts = 4
        backoff = { base = "20 ms", cap = "1 s", jitter = "decorrelated" }
        max_retry_after = "3 s"
        attempt_timeout = "300 ms"
        expected_attempt_time = "50 ms"
        replay_limit = 65_536
        timeout_cost = 1.5
        mode = "enforce"

        [client.payments.retry.budget]
        ratio = 1
        floor_per_second = 5
        ttl = "20 s"
        in_flight_share = "off"
        in_flight_floor = 0

        [client.payments.breaker]
        window = 100
        minimum_calls = 50
        failure_ratio = "off"
        consecutive_failures = "off"
        slow_calls = { threshold = "200 ms", ratio = 0.6 }
        open_for = { initial = "1 s", max = "10 s", jitter = 0.1 }
        retry_after_cap = "off"
        probes = 5
        probe_failure_ratio = 0.4
        probe_timeout = "3 s"
        half_open_timeout = "20 s"
        ramp = { over = "20 s", from = 0.01 }
        attempt_timeout = "300 ms"
        mode = "off"
    "#;
    Resilience::from_toml(text).unwrap();
}
