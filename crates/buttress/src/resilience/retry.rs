use buttress_retry::{Backoff, BudgetConfig, Cost, Jitter, RetryConfig};
use toml::de::DeValue;

use super::table::Table;
use super::value::{Read, bytes, mode, number, or_off, ratio, time, whole, word};

pub(super) fn read(table: &Table<'_>) -> RetryConfig {
    table
        .section(RetryConfig::default())
        .field("attempts", whole, RetryConfig::attempts)
        .within("backoff", |config, table| config.backoff(backoff(table)))
        .field("max_retry_after", time, RetryConfig::max_retry_after)
        .field("attempt_timeout", time, RetryConfig::attempt_timeout)
        .field(
            "expected_attempt_time",
            time,
            RetryConfig::expected_attempt_time,
        )
        .field("replay_limit", bytes, RetryConfig::replay_limit)
        .within("budget", |config, table| config.budget(budget(table)))
        .field("timeout_cost", attempts, |config, cost| {
            config.timeout_cost(cost)
        })
        .field("mode", mode, RetryConfig::mode)
        .check(RetryConfig::check)
}

fn backoff(table: &Table<'_>) -> Backoff {
    let jitters = [
        ("full", Jitter::Full),
        ("equal", Jitter::Equal),
        ("decorrelated", Jitter::Decorrelated),
        ("none", Jitter::None),
    ];
    table
        .section(Backoff::default())
        .field("base", time, Backoff::base)
        .field("cap", time, Backoff::cap)
        .field("jitter", word(&jitters), Backoff::jitter)
        .done()
}

fn budget(table: &Table<'_>) -> BudgetConfig {
    table
        .section(BudgetConfig::default())
        .field("ratio", number, BudgetConfig::ratio)
        .field("floor_ratio", number, BudgetConfig::floor_ratio)
        .field("floor_per_second", whole, BudgetConfig::floor_per_second)
        .field("ttl", time, BudgetConfig::ttl)
        .field(
            "in_flight_share",
            or_off(ratio),
            BudgetConfig::in_flight_share,
        )
        .field("in_flight_floor", whole, BudgetConfig::in_flight_floor)
        .done()
}

/// A cost in attempts.
fn attempts(value: &DeValue<'_>) -> Read<Cost> {
    let bound = || "a number of attempts from 1 to 1000".to_owned();
    let attempts = number(value).map_err(|_| bound())?;
    if !(1.0..=1_000.0).contains(&attempts) {
        return Err(bound());
    }
    Ok(Cost::thousandths((attempts * 1_000.0).round() as u32))
}
