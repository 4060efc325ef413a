use std::time::Duration;

use buttress_core::chaos::{
    Answer, BodyFault, Decision, Fault, Key, Latency, Plan, PlannedFault, Subset, Target,
};
use buttress_core::{Ratio, StableHash};
use http::{Response, StatusCode};

use crate::{Gate, Rng, Script, TestBody};

/// Creates a plan for one history: every kind of fault, at rates drawn from the seed, each from zero to one call in
/// six.
pub(super) fn random(seed: u64) -> Plan {
    let mut dice = Rng::new(seed);
    let latency = Latency::Uniform {
        least: Duration::ZERO,
        most: Duration::from_secs(1 + dice.roll(4) as u64),
    };
    let slow = PlannedFault::new("delay", Fault::Delay(latency));
    let mut plan = Plan::new(seed).fault(slow.rate(Ratio::percent(dice.roll(40) as u8)));
    for faults in [answers(), bodies()] {
        // Faults of one kind exclude each other, so each has its own range of the calls.
        let mut from = 0;
        for (name, fault) in faults {
            let to = from + dice.roll(17) as u8;
            if to > from {
                let part = Subset {
                    key: Key::Call,
                    from: Ratio::percent(from),
                    to: Ratio::percent(to),
                };
                plan = plan
                    .fault(PlannedFault::new(name, fault).target(Target::default().subset(part)));
            }
            from = to;
        }
    }
    plan
}

fn answers() -> Vec<(&'static str, Fault)> {
    vec![
        ("abort", Fault::Answer(Answer::Abort)),
        ("status", Fault::Answer(Answer::Status(503))),
        ("hang", Fault::Answer(Answer::Hang)),
        ("panic", Fault::Answer(Answer::Panic)),
    ]
}

fn bodies() -> Vec<(&'static str, Fault)> {
    let lasting = Duration::from_secs(3);
    vec![
        ("truncate", Fault::Body(BodyFault::Truncate { after: 3 })),
        ("reset", Fault::Body(BodyFault::Reset { after: 3 })),
        ("stall", Fault::Body(BodyFault::Stall { after: 3, lasting })),
    ]
}

/// The plan's decision for the call with this number.
pub(super) fn decide(plan: &Plan, number: u64) -> Decision<'_> {
    plan.decide(
        &(),
        StableHash::new(0).field(&number.to_le_bytes()).finish(),
    )
}

/// The behaviour of the inner service, and the gates it waits for, with the times at which they open.
pub(super) struct Part {
    pub(super) script: Script<Response<TestBody>>,
    pub(super) gates: Vec<(Duration, Gate)>,
}

impl Part {
    pub(super) fn of(decision: &Decision<'_>, panics_in_call: bool) -> Self {
        let mut gates = Vec::new();
        let mut script = Script::new();
        if let Some(delay) = decision.delay {
            let gate = Gate::new();
            script = script.wait(&gate);
            gates.push((delay.what, gate));
        }
        script = match decision.answer.map(|hit| hit.what) {
            Some(Answer::Hang) => script,
            Some(Answer::Panic) if panics_in_call => script.panic_in_call(),
            Some(Answer::Panic) => script.panic(),
            Some(Answer::Status(_)) => {
                let mut response = Response::new(TestBody::empty());
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                script.ok(response)
            }
            Some(_) => script.err("an error of the plan"),
            None => {
                let whole = TestBody::empty().data("abc");
                script.ok(Response::new(match decision.body.map(|hit| hit.what) {
                    Some(BodyFault::Truncate { .. }) => whole.declare(6),
                    Some(BodyFault::Reset { .. }) => whole.err("a reset of the plan"),
                    Some(BodyFault::Stall { lasting, .. }) => {
                        let gate = Gate::new();
                        let after = decision.delay.map_or(Duration::ZERO, |hit| hit.what);
                        gates.push((after + lasting, gate.clone()));
                        whole.wait(&gate).data("def").trailer("end", "yes")
                    }
                    _ => whole.data("def").trailer("end", "yes"),
                }))
            }
        };
        Self { script, gates }
    }
}

/// Whether the inner service responds with a success, if it is called at all.
pub(super) fn succeeds(decision: &Decision<'_>) -> bool {
    decision.answer.is_none()
}

/// Whether a body is complete: all data frames, the trailers, and the end.
pub(super) fn is_whole(decision: &Decision<'_>, data: usize, trailers: usize) -> bool {
    match decision.body.map(|hit| hit.what) {
        Some(BodyFault::Truncate { .. }) => (data, trailers) == (1, 0),
        // A reset body never ends normally.
        Some(BodyFault::Reset { .. }) => false,
        _ => (data, trailers) == (2, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_can_be_armed() {
        for seed in 0..1_000 {
            assert_eq!(random(seed).check(), Ok(()), "{seed}");
        }
    }

    #[test]
    fn all_faults_come_up() {
        let plans = (0..20).map(random);
        let hit: std::collections::BTreeSet<_> = plans
            .flat_map(|plan| {
                let names = (0..100).flat_map(|call| {
                    let decision = decide(&plan, call);
                    let names = decision.names().map(|name| name.as_str().to_owned());
                    names.collect::<Vec<_>>()
                });
                names.collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(hit.len(), 1 + answers().len() + bodies().len(), "{hit:?}");
    }
}
