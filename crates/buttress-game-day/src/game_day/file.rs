//! The file as it is parsed, before it is checked.

use buttress_core::ConfigError;
use buttress_core::chaos::{Bounds, Draw, Plan, SteadyStateConfig};
use buttress_core::text::line_and_column;
use buttress_core::window::Window;
use serde::Deserialize;
use toml::Spanned;

use super::duration::Time;
use super::error::GameDayError;
use super::fault::FaultTable;
use super::share::Share;
use super::{GameDay, place};
use crate::Experiment;

pub(super) fn parse(text: &str) -> Result<GameDay, GameDayError> {
    let file: File = toml::from_str(text).map_err(|error| {
        let key = error
            .span()
            .and_then(|span| place::key_of(text, span.start));
        let message = match (key, error.message()) {
            // The error of a value type, which does not know its key.
            (Some(key), message) if message.starts_with("is ") => format!("{key} {message}"),
            (Some(key), message) => format!("{key}: {message}"),
            (None, message) => message.to_owned(),
        };
        GameDayError::at(text, error.span(), message)
    })?;
    if file.experiment.is_empty() {
        return Err(GameDayError::at(text, None, "there is no [[experiment]]"));
    }
    let guard_of = |table: &ExperimentTable| {
        let span = table.guard.as_ref()?.span();
        Some(line_and_column(text, span.start))
    };
    let guards = file.experiment.iter().map(guard_of).collect();
    let experiments = file
        .experiment
        .into_iter()
        .map(|experiment| experiment.build(text, file.seed, file.draw))
        .collect::<Result<_, _>>()?;
    Ok(GameDay {
        experiments,
        guards,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    seed: u64,
    draw: Option<DrawWord>,
    #[serde(default)]
    experiment: Vec<ExperimentTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExperimentTable {
    name: Spanned<String>,
    hypothesis: Spanned<SteadyStateTable>,
    steady_state: Option<Spanned<SteadyStateTable>>,
    traffic: Option<Spanned<f64>>,
    guard: Option<Spanned<SteadyStateTable>>,
    bounds: Option<Spanned<BoundsTable>>,
    draw: Option<DrawWord>,
    before: Option<Time>,
    during: Option<Time>,
    recovery: Option<Time>,
    after: Option<Time>,
    #[serde(default)]
    fault: Vec<Spanned<FaultTable>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DrawWord {
    Attempt,
    Call,
}

impl ExperimentTable {
    fn build(
        self,
        text: &str,
        seed: u64,
        draw: Option<DrawWord>,
    ) -> Result<Experiment, GameDayError> {
        let checked = |table: Spanned<SteadyStateTable>| {
            let span = table.span();
            let steady_state = table.into_inner().build();
            match steady_state.check() {
                Ok(()) => Ok(steady_state),
                Err(error) => {
                    let place = place::of_field(text, span, error.field());
                    Err(GameDayError::at(text, Some(place), error))
                }
            }
        };
        let hypothesis = checked(self.hypothesis)?;
        let mut plan = Plan::new(seed).draw(match self.draw.or(draw) {
            Some(DrawWord::Call) => Draw::PerCall,
            Some(DrawWord::Attempt) => Draw::PerAttempt,
            None => Draw::default(),
        });
        let mut whole = self.name.span();
        if let Some(bounds) = self.bounds {
            whole = bounds.span();
            plan = plan.bounds(bounds.into_inner().build());
        }
        if let Some(guard) = self.guard {
            plan = plan.guard(checked(guard)?);
        }
        let mut spans = Vec::new();
        for fault in self.fault {
            let span = fault.span();
            let fault = fault.into_inner().build();
            let fault = fault.map_err(|why| GameDayError::at(text, Some(span.clone()), why))?;
            plan = plan.fault(fault);
            spans.push(span);
        }
        plan.check().map_err(|error| {
            let span = error.fault().and_then(|fault| spans.get(fault).cloned());
            let field = error.config_error().field();
            let place = place::of_field(text, span.unwrap_or(whole), field);
            GameDayError::at(text, Some(place), error)
        })?;

        let mut experiment = Experiment::new(self.name.into_inner(), hypothesis, plan);
        if let Some(steady_state) = self.steady_state {
            experiment = experiment.steady_state(checked(steady_state)?);
        }
        if let Some(traffic) = self.traffic {
            let factor = *traffic.get_ref();
            if !(factor > 0.0 && factor <= MAX_TRAFFIC) {
                let bound = format!("above 0 and at most {MAX_TRAFFIC}");
                let error = ConfigError::new("traffic", factor, bound);
                return Err(GameDayError::at(text, Some(traffic.span()), error));
            }
            experiment = experiment.traffic(factor);
        }
        for (time, field) in [
            (self.before, &mut experiment.before),
            (self.during, &mut experiment.during),
            (self.recovery, &mut experiment.recovery),
            (self.after, &mut experiment.after),
        ] {
            if let Some(Time(time)) = time {
                *field = time;
            }
        }
        Ok(experiment)
    }
}

/// A larger value is taken for a typing error.
const MAX_TRAFFIC: f64 = 1_000.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SteadyStateTable {
    window: Option<Time>,
    minimum_calls: Option<u32>,
    failure_ratio: Option<Share>,
    latency: Option<LatencyTable>,
    burn_rate: Option<BurnRateTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LatencyTable {
    quantile: Share,
    most: Time,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BurnRateTable {
    objective: Share,
    most: f64,
}

impl SteadyStateTable {
    fn build(self) -> SteadyStateConfig {
        let mut config =
            SteadyStateConfig::default().failure_ratio(self.failure_ratio.map(|s| s.0));
        if let Some(Time(window)) = self.window {
            config = config.window(Window::Time(window));
        }
        if let Some(calls) = self.minimum_calls {
            config = config.minimum_calls(calls);
        }
        if let Some(latency) = self.latency {
            config = config.latency(latency.quantile.0, latency.most.0);
        }
        if let Some(burn) = self.burn_rate {
            config = config.burn_rate(burn.objective.0, burn.most);
        }
        config
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BoundsTable {
    max_active: Option<u32>,
    blast_radius: Option<Share>,
    start_delay: Option<Time>,
    ttl: Option<Time>,
}

impl BoundsTable {
    fn build(self) -> Bounds {
        let mut bounds = Bounds::default();
        if let Some(calls) = self.max_active {
            bounds = bounds.max_active(calls);
        }
        if let Some(Share(share)) = self.blast_radius {
            bounds = bounds.blast_radius(share);
        }
        if let Some(Time(time)) = self.start_delay {
            bounds = bounds.start_delay(time);
        }
        if let Some(Time(ttl)) = self.ttl {
            bounds = bounds.ttl(ttl);
        }
        bounds
    }
}
