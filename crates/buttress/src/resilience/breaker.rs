use std::time::Duration;

use buttress_breaker::{Breaker, BreakerConfig, BreakerLayer, OpenDuration, Window};
use buttress_core::Ratio;
use buttress_http::{Http, Until};
use toml::de::DeValue;

use super::deadline::until as read_until;
use super::table::Table;
use super::value::{Read, mode, or_off, ratio, time, whole};

/// The configuration of a breaker, and when its calls end.
#[derive(Debug, Clone)]
pub(super) struct BreakerSettings {
    pub(super) config: BreakerConfig,
    until: Until,
}

impl BreakerSettings {
    pub(super) fn layer(&self, breaker: &Breaker) -> BreakerLayer<Http> {
        BreakerLayer::client(breaker).until(self.until)
    }
}

pub(super) fn read(table: &Table<'_>) -> BreakerSettings {
    let until = table.peek("until", read_until).unwrap_or_default();
    let config = table
        .section(BreakerConfig::default())
        .field("window", window, BreakerConfig::window)
        .field("minimum_calls", whole, BreakerConfig::minimum_calls)
        .field("failure_ratio", or_off(ratio), BreakerConfig::failure_ratio)
        .field(
            "consecutive_failures",
            or_off(whole),
            BreakerConfig::consecutive_failures,
        )
        .within("slow_calls", |config, table| {
            match pair(table, "threshold", "ratio") {
                Some((threshold, ratio)) => config.slow_calls(threshold, ratio),
                None => config,
            }
        })
        .field_or_within(
            "open_for",
            time,
            |config, time| config.open_for(OpenDuration::Fixed(time)),
            |config, table| config.open_for(proportional(table)),
        )
        .field(
            "retry_after_cap",
            or_off(time),
            BreakerConfig::retry_after_cap,
        )
        .field("probes", whole, BreakerConfig::probes)
        .field(
            "probe_failure_ratio",
            ratio,
            BreakerConfig::probe_failure_ratio,
        )
        .field("probe_timeout", time, BreakerConfig::probe_timeout)
        .field("half_open_timeout", time, BreakerConfig::half_open_timeout)
        .within("ramp", |config, table| match pair(table, "over", "from") {
            Some((over, from)) => config.ramp(over, from),
            None => config,
        })
        .field("attempt_timeout", time, BreakerConfig::attempt_timeout)
        .field("mode", mode, BreakerConfig::mode)
        .field("until", read_until, |config, _| config)
        .check(BreakerConfig::check);
    BreakerSettings { config, until }
}

/// A duration, or a number of calls.
fn window(value: &DeValue<'_>) -> Read<Window> {
    if value.is_integer() {
        return whole(value).map(Window::Count);
    }
    time(value)
        .map(Window::Time)
        .map_err(|bound| format!("a number of calls, or {bound}"))
}

/// A duration and a ratio, which must be set together.
fn pair(table: &Table<'_>, length: &'static str, share: &'static str) -> Option<(Duration, Ratio)> {
    table.require(&[length, share]);
    let read = table
        .section((None, None))
        .field(length, time, |(_, share), length| (Some(length), share))
        .field(share, ratio, |(length, _), share| (length, Some(share)))
        .done();
    read.0.zip(read.1)
}

fn proportional(table: &Table<'_>) -> OpenDuration {
    let read = match OpenDuration::default() {
        OpenDuration::Fixed(time) => ((time, time), (Ratio::ZERO, Ratio::ZERO)),
        OpenDuration::Proportional {
            initial,
            share,
            max,
            jitter,
        } => ((initial, max), (share, jitter)),
    };
    let ((initial, max), (share, jitter)) = table
        .section(read)
        .field("initial", time, |((_, max), ratios), initial| {
            ((initial, max), ratios)
        })
        .field("share", ratio, |(times, (_, jitter)), share| {
            (times, (share, jitter))
        })
        .field("max", time, |((initial, _), ratios), max| {
            ((initial, max), ratios)
        })
        .field("jitter", ratio, |(times, (share, _)), jitter| {
            (times, (share, jitter))
        })
        .done();
    OpenDuration::Proportional {
        initial,
        share,
        max,
        jitter,
    }
}
