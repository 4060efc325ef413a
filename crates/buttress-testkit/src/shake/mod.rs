//! A fuzzer of stacks: random fault plans and random callers, and the invariants that must hold.

mod capacity;
mod history;
mod invariants;
mod order;
mod plan;
mod report;
mod simulation;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use self::report::{FuzzFailure, FuzzReport};

use self::history::History;
use self::invariants::TestCounts;
use crate::contract::Contract;
use crate::finding::Finding;
use crate::harness::TestEnv;
use crate::{Conformance, LayerUnderTest};

/// Fuzzes the stacks that `make` returns, a new one for each seed, with a virtual clock.
///
/// Each seed gives a plan of faults (errors, delays, hangs, panics; bodies that are truncated, reset or stalled) and a
/// number of callers that call, wait, read, leave a response unread, time out and cancel, around an inner service that
/// is sometimes not ready. The plan is one of `buttress_core::chaos`, so the same call gets the same fault on every
/// attempt. In every history, these must hold:
///
/// | name | what must hold |
/// |---|---|
/// | R1 | no service is called before it is ready |
/// | R8 | if a slot is free, a waiter is woken; and every caller that does not cancel finishes, unless an event prevents it |
/// | A1 | when all callers have left, no inner future, body, request or reservation remains, and the state is the initial one |
/// | A2 | a cancelled waiter, even one that was just woken, passes its slot on and does not reorder the others |
/// | A3 | the capacity is exactly the same afterwards |
/// | A4 | no panic except those of the plan |
/// | A5 | no success unless the inner service succeeded |
/// | A6 | never more calls inside than the capacity at the time of their admission |
/// | A7 | a new [capacity](crate::LayerUnderTest::resize) applies at once, ends no call and wakes as many waiters as fit |
/// | A8 | a body is passed on unchanged, and one that broke off does not end normally |
/// | A9 | no state is kept for callers that left: no task, and no waker, clone or request of fifty cancelled waiters |
/// | X2 | the same seed gives the same history, event by event |
///
/// A2, A6, A7, the first half of R8 and the second of A3 and A9 are tested where a capacity is
/// [declared](Conformance::capacity). [`FuzzReport::tested`] returns how often each was tested.
///
/// The stack's contract is declared with [`Conformance`], and then tested with [`Conformance::shake`]. A stack that
/// rejects after failures must declare for how long ([`recovers_within`](Conformance::recovers_within)); the rejected
/// calls are then checked at the end only. A stack with a random number generator of its own must be seeded for X2.
///
/// A seed takes some milliseconds in debug builds. Use a few dozen for every change, and more in nightly runs. A
/// failure reports its seed, which reproduces it.
///
/// ```
/// use buttress_testkit::shake;
/// use tower::layer::util::Identity;
///
/// shake(Identity::new, 0..20).assert();
/// ```
pub fn shake<M: Into<LayerUnderTest>>(
    make: impl Fn() -> M + 'static,
    seeds: impl IntoIterator<Item = u64>,
) -> FuzzReport {
    Conformance::new("the stack", make).shake(seeds)
}

/// Runs every seed twice: the first run is checked, and the second must give the same history.
pub(crate) fn run(
    name: String,
    contract: &Contract,
    make: &dyn Fn() -> LayerUnderTest,
    seeds: impl IntoIterator<Item = u64>,
) -> FuzzReport {
    let mut shaken = FuzzReport::new(name);
    for seed in seeds {
        shaken.seeds += 1;
        let once = || {
            let env = TestEnv::new(contract, make);
            let (mut log, mut tested) = (Vec::new(), TestCounts::default());
            let found = catch_unwind(AssertUnwindSafe(|| {
                History::new(&env, seed, &mut log, &mut tested).run()
            }));
            let found = found.unwrap_or_else(|_| {
                let panicked = Finding::Failed {
                    expected: "no panic except those of the plan".to_owned(),
                    seen: "a panic outside of any call".to_owned(),
                };
                Err(("A4", panicked))
            });
            (found, log, tested)
        };
        let (found, log, tested) = once();
        shaken.tested.add(&tested);
        let excepted = |name| contract.exceptions.iter().any(|(known, _)| *known == name);
        match found {
            Err((invariant, Finding::Failed { expected, seen })) if !excepted(invariant) => {
                shaken
                    .failures
                    .push(FuzzFailure::new(seed, invariant, expected, seen, &log));
            }
            _ => {
                let (_, again, _) = once();
                shaken.tested.count("X2");
                let same = log
                    .iter()
                    .zip(&again)
                    .take_while(|(one, two)| one == two)
                    .count();
                if same < log.len().max(again.len()) {
                    let event =
                        |log: &[String]| log.get(same).map_or("nothing", |event| event).to_owned();
                    let tremor =
                        FuzzFailure::new(seed, "X2", event(&log), event(&again), &log[..same]);
                    shaken.failures.push(tremor);
                }
            }
        }
    }
    shaken
}
