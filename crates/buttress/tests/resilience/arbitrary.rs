//! Any text is either applied as a whole, or rejected with positions within it.

use buttress::Resilience;
use buttress::resilience::ResilienceError;
use proptest::prelude::*;

const FILE: &str = r#"
[server.api]
deadline = { timeout = "2 s", believe = ["x-deadline"] }
problem.instance = true
shed = { limit = { min = 5 }, shares.low = 0.1, tenants.header = "x-tenant" }

[client.payments]
deadline.timeout = "1 s"
retry = { attempts = 3, backoff = { jitter = "full" }, budget.ratio = 0.1 }

throttle.multiplier = 3

[client.payments.breaker]
window = 100
open_for = { initial = "1 s", max = "10 s" }
slow_calls = { threshold = "200 ms", ratio = 0.5 }
mode = 0.5
"#;

proptest! {
    #[test]
    fn any_text_is_applied_or_rejected(text in ".{0,200}") {
        lies_within(&text, Resilience::from_toml(&text).map(drop))?;
    }

    #[test]
    fn any_line_can_be_patched(line in 0_usize..17, at in 0_usize..40, patch in "[-a-z0-9\"'=.{}\\[\\] ü]{0,6}") {
        let text = patch_line(line, at, &patch);
        lies_within(&text, Resilience::from_toml(&text).map(drop))?;

        let resilience = Resilience::from_toml(FILE).unwrap();
        let breaker = resilience.breaker("payments").unwrap();
        let retry = resilience.retry("payments").unwrap();
        let shedders = ["api", "payments"].map(|name| resilience.shedder(name).unwrap());
        let configs = || {
            let shed = shedders.each_ref().map(|shedder| shedder.config());
            (breaker.config(), retry.config(), shed)
        };
        let before = configs();
        let reloaded = resilience.reload(&text);
        if reloaded.is_err() {
            prop_assert_eq!(configs(), before);
        }
        lies_within(&text, reloaded)?;
    }

    #[test]
    fn any_value_can_be_anywhere(
        key in prop::sample::select(KEYS.as_slice()),
        value in prop::sample::select(VALUES.as_slice()),
    ) {
        let text = format!("{key} = {value}");
        lies_within(&text, Resilience::from_toml(&text).map(drop))?;
    }
}

fn lies_within(text: &str, result: Result<(), ResilienceError>) -> Result<(), TestCaseError> {
    let Err(error) = result else { return Ok(()) };
    prop_assert!(!error.mistakes().is_empty());
    for mistake in error.mistakes() {
        let line = text.split('\n').nth(mistake.line() - 1).unwrap_or_default();
        prop_assert!(
            mistake.column() <= line.chars().count() + 1,
            "{text:?}\n{mistake}"
        );
        prop_assert!(!mistake.key().is_empty(), "{text:?}\n{mistake}");
    }
    Ok(())
}

/// The file with a patch somewhere in a line.
fn patch_line(line: usize, at: usize, patch: &str) -> String {
    let mut lines: Vec<_> = FILE.lines().map(str::to_owned).collect();
    if let Some(line) = lines.get_mut(line) {
        line.insert_str(at.min(line.len()), patch);
    }
    lines.join("\n")
}

const KEYS: [&str; 28] = [
    "client",
    "client.a",
    "client.a.breaker",
    "client.a.breaker.window",
    "client.a.breaker.open_for",
    "client.a.breaker.slow_calls",
    "client.a.breaker.probes",
    "client.a.deadline.timeout",
    "client.a.deadline.header",
    "client.a.retry.attempts",
    "client.a.retry.backoff",
    "client.a.retry.budget.ratio",
    "client.a.retry.timeout_cost",
    "client.a.shed",
    "client.a.shed.limit",
    "client.a.throttle",
    "client.a.throttle.floor",
    "server.a.deadline.believe",
    "server.a.shed.limit",
    "server.a.shed.limit.rule",
    "server.a.shed.limit.timeout",
    "server.a.shed.pressure.memory",
    "server.a.shed.queue",
    "server.a.shed.shares.low",
    "server.a.shed.tenants",
    "server.a.shed.tenants.buckets",
    "server.a.problem.retry_after_jitter",
    "server.a.problem.request_id_header",
];

const VALUES: [&str; 16] = [
    "0",
    "-1",
    "0x10",
    "9223372036854775807",
    "1e300",
    "inf",
    "nan",
    "true",
    "''",
    "'off'",
    "'1 s'",
    "'99999999 h'",
    "2026-11-21",
    "[]",
    "{}",
    "{ threshold = '1 s', ratio = 0.0 }",
];
