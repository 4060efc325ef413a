use buttress_core::chaos::{Decision, Plan};

use super::invariants::TestCounts;
use super::order;
use super::plan::{self, Part};
use super::simulation::Simulation;
use crate::Rng;
use crate::finding::{Check, Finding, ensure};
use crate::harness::{Harness, TestEnv};

/// The invariant that failed, by name, and how.
pub(super) type Found = Result<(), (&'static str, Finding)>;

/// A random history: a sequence of events of callers under a plan of faults.
pub(super) struct History<'a> {
    harness: Harness<'a>,
    plan: Plan,
    dice: Rng,
    log: &'a mut Vec<String>,
    tested: &'a mut TestCounts,
}

impl<'a> History<'a> {
    pub(super) fn new(
        env: &'a TestEnv<'a>,
        seed: u64,
        log: &'a mut Vec<String>,
        tested: &'a mut TestCounts,
    ) -> Self {
        let harness = env.harness();
        harness.probe.let_pass();
        Self {
            harness,
            plan: plan::random(seed),
            dice: Rng::new(seed ^ 0x5EED),
            log,
            tested,
        }
    }

    pub(super) fn run(self) -> Found {
        let Self {
            harness,
            plan,
            mut dice,
            log,
            tested,
        } = self;
        let mut simulation = Simulation::new(&harness, &plan, &mut dice, log, tested);
        for _ in 0..EVENTS {
            simulation.event()?;
        }
        simulation.end()?;
        drop(simulation);

        // The inner service is healthy from here on.
        harness
            .probe
            .script(Part::of(&Decision::NOTHING, false).script);
        let mut ask = |invariant: &'static str, check: &mut dyn FnMut() -> Check| {
            tested.count(invariant);
            check().map_err(of(invariant))
        };
        let unready = harness.probe.unready_calls();
        ask("R1", &mut || {
            let expected = "no service is called that was not ready";
            ensure(unready == 0, expected, format!("{unready} calls"))
        })?;
        ask("A1", &mut || harness.nothing_left("all callers left"))?;
        harness.env.clock.turn();
        let tasks = harness.tasks();
        ask("A9", &mut || {
            let expected = "after all callers left, no task runs on";
            ensure(tasks == 0, expected, format!("{tasks} do"))
        })?;
        // The capacity is free, and a layer that rejected has recovered.
        ask("A3", &mut || harness.at_rest("all callers left"))?;
        if harness.env.contract.capacity.is_some() && harness.env.contract.recovers_within.is_none()
        {
            ask("A3", &mut || order::just_as_many_fit(&harness))?;
            order::leavers_do_not_matter(&harness, &mut dice, tested).map_err(of("A2"))?;
            match order::no_waiter_is_kept(&harness) {
                Err(Finding::NotApplicable(_)) => {}
                forgotten => forgotten.map_err(of("A9"))?,
            }
            harness.nothing_left("the waiters").map_err(of("A1"))?;
        }
        Ok(())
    }
}

pub(super) fn of(invariant: &'static str) -> impl Fn(Finding) -> (&'static str, Finding) {
    move |finding| (invariant, finding)
}

/// Enough for a few dozen callers, and for circuits to open and close again.
const EVENTS: usize = 300;
