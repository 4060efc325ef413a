use std::ops::Range;

use serde::Serialize;

use crate::args::Args;
use crate::figures::Figures;
use crate::gateway::buttress::Support;
use crate::gateway::{ATTEMPT_TIMEOUT, naive};
use crate::ledger::Ledger;
use crate::load::PATIENCE;
use crate::percentiles::Percentiles;
use crate::recovery::{HOLD, THRESHOLD};
use crate::schedule::{Phase, Schedule};
use crate::upstream::Build;

/// All that is known when the storm is over: this is `storm.json`.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The result in two sentences.
    pub(crate) headline: String,
    pub(crate) settings: Settings,
    pub(crate) gateways: Gateways,
    pub(crate) generator: Generator,
}

/// The two gateways, by the names they have in `storm.json`.
#[derive(Debug, Serialize)]
pub(crate) struct Gateways {
    pub(crate) naive: Figures,
    pub(crate) buttress: Figures,
}

/// What the storm was made of.
#[derive(Debug, Serialize)]
pub(crate) struct Settings {
    pub(crate) rate: u64,
    pub(crate) seconds: u64,
    pub(crate) seed: u64,
    /// What was left out of the gateway behind Buttress.
    pub(crate) without: Vec<Support>,
    pub(crate) phases: Phases,
    pub(crate) upstream: Build,
    pub(crate) upstream_capacity: f64,
    pub(crate) workers_in_brownout: usize,
    /// Requests a second that an upstream could answer in the brown-out.
    pub(crate) servable_in_brownout: f64,
    pub(crate) attempt_timeout_ms: u128,
    pub(crate) naive_retries: u32,
    pub(crate) patience_ms: u128,
    pub(crate) recovery_threshold: f64,
    pub(crate) recovery_hold_seconds: u64,
}

/// From when to when each phase lasted, in seconds.
#[derive(Debug, Serialize)]
pub(crate) struct Phases {
    pub(crate) calm: Range<f64>,
    pub(crate) brownout: Range<f64>,
    pub(crate) after: Range<f64>,
}

/// How well the generator kept to its plan. A lag of more than some milliseconds means that the machine
/// was busy with something else, and that the figures say so too.
#[derive(Debug, Serialize)]
pub(crate) struct Generator {
    pub(crate) lag_p99_ms: f64,
    pub(crate) lag_max_ms: f64,
}

impl Settings {
    pub(crate) fn new(args: &Args, build: Build, schedule: &Schedule) -> Self {
        let seconds = |phase| {
            let span = schedule.span(phase);
            span.start.as_secs_f64()..span.end.as_secs_f64()
        };
        Self {
            rate: args.rate,
            seconds: args.seconds,
            seed: args.seed,
            without: args.without.clone(),
            phases: Phases {
                calm: seconds(Phase::Calm),
                brownout: seconds(Phase::Brownout),
                after: seconds(Phase::After),
            },
            upstream: build,
            upstream_capacity: build.capacity_of(build.workers),
            workers_in_brownout: build.workers_in_brownout(),
            servable_in_brownout: build.capacity_of(build.workers_in_brownout()),
            attempt_timeout_ms: ATTEMPT_TIMEOUT.as_millis(),
            naive_retries: naive::RETRIES,
            patience_ms: PATIENCE.as_millis(),
            recovery_threshold: THRESHOLD,
            recovery_hold_seconds: HOLD.as_secs(),
        }
    }
}

impl Generator {
    /// Compares when requests were sent with when they were due.
    pub(crate) fn of(ledger: &Ledger) -> Self {
        let lags = ledger.read(|entries| {
            let lags = entries
                .iter()
                .map(|entry| entry.sent.saturating_sub(entry.due));
            Percentiles::of(lags)
        });
        Self {
            lag_p99_ms: lags.ms(0.99).unwrap_or(0.0),
            lag_max_ms: lags.ms(1.0).unwrap_or(0.0),
        }
    }

    /// A warning, when requests were sent so late that the figures are not only about the gateways.
    pub(crate) fn lateness(&self) -> Option<String> {
        let lag = self.lag_p99_ms;
        (lag > LATE_MS).then(|| {
            format!(
                "This machine was busy: 1 % of the requests were sent {lag:.0} ms late or more, and the figures bear it."
            )
        })
    }
}

impl Gateways {
    /// Goodput and recovery of each gateway, in a sentence.
    pub(crate) fn headline(&self, settings: &Settings) -> String {
        let could = settings.servable_in_brownout;
        let share = |of: &Figures| 100.0 * of.goodput_brownout / could;
        let recovered = |of: &Figures| match of.recovery_seconds {
            Some(after) => format!("recovered {after:.1} s after it"),
            None => "never recovered".to_owned(),
        };
        format!(
            "Behind Buttress, the gateway answered {:.0} % of what could be in the brown-out, and {}. The naive one \
             answered {:.0} %, and {}.",
            share(&self.buttress),
            recovered(&self.buttress),
            share(&self.naive),
            recovered(&self.naive),
        )
    }

    /// Requests of both that have no ending.
    pub(crate) fn unaccounted(&self) -> u64 {
        self.naive.unaccounted + self.buttress.unaccounted
    }
}

/// A lag that callers would notice.
const LATE_MS: f64 = 25.0;
