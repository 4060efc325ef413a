use std::time::Duration;

use buttress::game_day::Experiment;
use storm::load;

/// Requests per second, unless an experiment sets another load.
pub(crate) const RATE: u64 = 100;

/// One request of an experiment, planned before anything runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// The `x-request-id`: the number of the experiment, and of the request.
    pub(crate) id: String,
    /// When it is sent, from the start of the experiment.
    pub(crate) due: Duration,
    /// Whether the plan is armed when it is due.
    pub(crate) armed: bool,
}

impl Request {
    /// Returns the path, which the gateway forwards unchanged.
    pub(crate) fn path(&self) -> String {
        format!("/orders/{}", self.id)
    }
}

/// Plans the requests of one experiment: a Poisson process from the seed, so that their number, identities and times
/// are the same in every run.
pub(crate) fn plan(number: usize, experiment: &Experiment) -> Vec<Request> {
    let [before, during, recovery, after] = experiment.phases();
    let seed = experiment.plan().seed().wrapping_add(3 * number as u64);
    let mut begin = Duration::ZERO;
    let mut due = Vec::new();
    for (phase, (lasting, rate)) in [
        (before, RATE),
        (during, armed_rate(experiment)),
        (recovery + after, RATE),
    ]
    .into_iter()
    .enumerate()
    {
        let times = load::arrivals(rate, seed.wrapping_add(phase as u64), lasting);
        due.extend(times.into_iter().map(|time| (begin + time, phase == 1)));
        begin += lasting;
    }
    due.into_iter()
        .enumerate()
        .map(|(at, (due, armed))| Request {
            id: format!("{number}-{at:05}"),
            due,
            armed,
        })
        .collect()
}

/// Returns the requests per second while the plan is armed.
pub(crate) fn armed_rate(experiment: &Experiment) -> u64 {
    (RATE as f64 * experiment.traffic_factor()).round().max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use buttress::chaos::{Plan, SteadyStateConfig};

    use super::*;

    fn experiment(seed: u64) -> Experiment {
        Experiment::new("x", SteadyStateConfig::default(), Plan::new(seed)).traffic(10.0)
    }

    #[test]
    fn a_seed_repeats_every_request() {
        assert_eq!(plan(1, &experiment(7)), plan(1, &experiment(7)));
        assert_ne!(plan(1, &experiment(7)), plan(1, &experiment(8)));
    }

    #[test]
    fn requests_are_in_order_and_more_of_them_come_while_the_plan_is_armed() {
        let requests = plan(1, &experiment(7));
        assert!(requests.is_sorted_by_key(|request| request.due));
        assert!(requests.is_sorted_by(|one, two| one.id < two.id));
        let armed = requests.iter().filter(|request| request.armed).count();
        // Ten seconds of a thousand, within five standard deviations.
        assert!((9_500..10_500).contains(&armed), "{armed}");
    }
}
