//! The configuration as the model reads it: in plain fields, and in whole percent.

use std::time::Duration;

use buttress_core::circuit::{BreakerConfig, OpenDuration};
use buttress_core::window::Window;
use buttress_core::{Mode, Ratio};
use proptest::prelude::*;

#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) window: Window,
    pub(crate) minimum_calls: u32,
    pub(crate) failure_percent: Option<u8>,
    pub(crate) consecutive_failures: Option<u32>,
    pub(crate) slow_calls: Option<(Duration, u8)>,
    pub(crate) open_for: OpenDuration,
    pub(crate) retry_after_cap: Option<Duration>,
    pub(crate) probes: u32,
    pub(crate) probe_failure_percent: u8,
    pub(crate) probe_timeout: Duration,
    pub(crate) half_open_timeout: Duration,
    pub(crate) ramp: Option<(Duration, Ratio)>,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) mode: Mode,
}

impl Rules {
    pub(crate) fn config(&self) -> BreakerConfig {
        let config = BreakerConfig::default()
            .window(self.window)
            .minimum_calls(self.minimum_calls)
            .failure_ratio(self.failure_percent.map(Ratio::percent))
            .consecutive_failures(self.consecutive_failures)
            .open_for(self.open_for)
            .retry_after_cap(self.retry_after_cap)
            .probes(self.probes)
            .probe_failure_ratio(Ratio::percent(self.probe_failure_percent))
            .probe_timeout(self.probe_timeout)
            .half_open_timeout(self.half_open_timeout)
            .attempt_timeout(self.attempt_timeout)
            .mode(self.mode);
        let config = match self.slow_calls {
            Some((threshold, percent)) => config.slow_calls(threshold, Ratio::percent(percent)),
            None => config,
        };
        match self.ramp {
            Some((over, from)) => config.ramp(over, from),
            None => config,
        }
    }
}

/// Any rules, scaled so that a few hundred calls trigger all of them.
pub(crate) fn rules() -> impl Strategy<Value = Rules> {
    let tripping = (
        window(),
        1..8_u32,
        prop::option::weighted(0.7, 1..=100_u8),
        prop::option::weighted(0.5, 1..6_u32),
        prop::option::weighted(0.5, (time(), 1..=100_u8)),
    );
    let coming_back = (
        open_time(),
        prop::option::of(time()),
        1..5_u32,
        1..=100_u8,
        time(),
        time(),
        prop::option::of((time(), (1..=100_u8).prop_map(Ratio::percent))),
    );
    let mode = prop_oneof![
        6 => Just(Mode::Enforce),
        1 => Just(Mode::Shadow),
        1 => Just(Mode::Off),
        1 => (0..=100_u8).prop_map(|percent| Mode::EnforceFor(Ratio::percent(percent))),
    ];
    (tripping, coming_back, prop::option::of(time()), mode).prop_map(
        |(tripping, coming_back, attempt_timeout, mode)| {
            let (window, minimum, failure_percent, consecutive_failures, slow_calls) = tripping;
            let (open_for, retry_after_cap, probes, percent, lease, stay, ramp) = coming_back;
            Rules {
                window,
                minimum_calls: match window {
                    Window::Count(size) => minimum.min(size),
                    Window::Time(_) => minimum,
                },
                failure_percent,
                consecutive_failures,
                slow_calls,
                open_for,
                retry_after_cap,
                probes,
                probe_failure_percent: percent,
                probe_timeout: lease,
                half_open_timeout: stay,
                ramp,
                attempt_timeout,
                mode,
            }
        },
    )
}

fn window() -> impl Strategy<Value = Window> {
    prop_oneof![
        (1..30_u32).prop_map(Window::Count),
        (100..20_000_u64).prop_map(|ms| Window::Time(Duration::from_millis(ms))),
    ]
}

fn open_time() -> impl Strategy<Value = OpenDuration> {
    prop_oneof![
        time().prop_map(OpenDuration::Fixed),
        (time(), time(), 0..=100_u8, 0..=100_u8).prop_map(|(one, other, share, jitter)| {
            OpenDuration::Proportional {
                initial: one.min(other),
                share: Ratio::percent(share),
                max: one.max(other),
                jitter: Ratio::percent(jitter),
            }
        }),
    ]
}

pub(crate) fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (1..12_u64).prop_map(Duration::from_secs),
        (1..12_000_000_000_u64).prop_map(Duration::from_nanos),
    ]
}
