//! Shakes a stack: random plans of faults, random callers, and what must hold all the same.

mod history;
mod plan;
mod report;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use self::report::{Shaken, Tremor};

use self::history::History;
use crate::bench::Lab;
use crate::contract::Contract;
use crate::finding::Finding;
use crate::{Conformance, Specimen};

/// Shakes the stacks that `make` makes, a fresh one for each seed, under a virtual clock.
///
/// Each seed draws a plan of faults (errors, delays, hangs, panics; bodies that are truncated, reset or stalled) and a
/// crowd of callers who come, wait, read, lose patience and leave. The plan is one of `buttress_core::chaos`, so the
/// same call meets the same fault on every attempt. Whatever happens, these must hold:
///
/// | name | what must hold |
/// |---|---|
/// | A1 | when nobody is left, nothing is: no inner future, body, request, reservation, and the state is as at the start |
/// | A3 | all places are free again |
/// | A4 | no panic but those of the plan |
/// | A5 | no success where the inner service had none |
/// | A6 | never more inside than the declared capacity |
/// | A8 | a body is given on as it is, and one that broke off does not end well |
/// | A9 | no task runs on |
/// | R1 | nobody is called who was not ready |
/// | X2 | the same seed is the same history, event by event |
///
/// What is declared of the stack is declared with [`Conformance`], and then shaken with [`Conformance::shake`]. What
/// refuses after failures must say for how long ([`recovers_within`](Conformance::recovers_within)), and a stack that
/// rolls dice of its own must be seeded for X2.
///
/// ```
/// use buttress_testkit::shake;
/// use tower::layer::util::Identity;
///
/// shake(Identity::new, 0..20).assert();
/// ```
pub fn shake<M: Into<Specimen>>(
    make: impl Fn() -> M + 'static,
    seeds: impl IntoIterator<Item = u64>,
) -> Shaken {
    Conformance::new("the stack", make).shake(seeds)
}

/// Runs every seed twice: what one history shows, and whether the second is the same.
pub(crate) fn run(
    name: String,
    contract: &Contract,
    make: &dyn Fn() -> Specimen,
    seeds: impl IntoIterator<Item = u64>,
) -> Shaken {
    let mut shaken = Shaken::new(name);
    for seed in seeds {
        shaken.seeds += 1;
        let once = || {
            let lab = Lab::new(contract, make);
            let mut log = Vec::new();
            let found = catch_unwind(AssertUnwindSafe(|| {
                History::new(&lab, seed, &mut log).run()
            }));
            let found = found.unwrap_or_else(|_| {
                let panicked = Finding::Failed {
                    expected: "no panic but those of the plan".to_owned(),
                    seen: "a panic outside of any call".to_owned(),
                };
                Err(("A4", panicked))
            });
            (found, log)
        };
        let (found, log) = once();
        let excepted = |name| contract.exceptions.iter().any(|(known, _)| *known == name);
        match found {
            Err((invariant, Finding::Failed { expected, seen })) if !excepted(invariant) => {
                shaken
                    .tremors
                    .push(Tremor::new(seed, invariant, expected, seen, &log));
            }
            _ => {
                let (_, again) = once();
                let same = log
                    .iter()
                    .zip(&again)
                    .take_while(|(one, two)| one == two)
                    .count();
                if same < log.len().max(again.len()) {
                    let event =
                        |log: &[String]| log.get(same).map_or("nothing", |event| event).to_owned();
                    let tremor = Tremor::new(seed, "X2", event(&log), event(&again), &log[..same]);
                    shaken.tremors.push(tremor);
                }
            }
        }
    }
    shaken
}
