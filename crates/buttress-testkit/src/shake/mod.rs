//! Shakes a stack: random plans of faults, random callers, and what must hold all the same.

mod asked;
mod history;
mod line;
mod plan;
mod report;
mod room;
mod stage;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use self::report::{FuzzFailure, FuzzReport};

use self::asked::Asked;
use self::history::History;
use crate::contract::Contract;
use crate::finding::Finding;
use crate::harness::TestEnv;
use crate::{Conformance, LayerUnderTest};

/// Shakes the stacks that `make` makes, a fresh one for each seed, under a virtual clock.
///
/// Each seed draws a plan of faults (errors, delays, hangs, panics; bodies that are truncated, reset or stalled) and a
/// number of callers that come, wait, read, keep a response unread, time out and leave, around an inner service that is
/// not ready now and then. The plan is one of `buttress_core::chaos`, so the same call gets the same fault on every
/// attempt. In every history, these must hold:
///
/// | name | what must hold |
/// |---|---|
/// | R1 | no service is called that was not ready |
/// | R8 | with a free slot, a waiter is woken; and once no event prevents it, every patient caller finishes |
/// | A1 | when no caller is left, nothing is: no inner future, body, request, reservation, and the state is as at the start |
/// | A2 | a waiter that gives up, also in the moment of being woken, passes its slot on and does not reorder the others |
/// | A3 | afterwards just as many fit as before, and not one more |
/// | A4 | no panic but those of the plan |
/// | A5 | no success where the inner service had none |
/// | A6 | never more inside than the capacity at the time of their admission |
/// | A7 | a new [capacity](crate::LayerUnderTest::resize) applies at once, ends no call and wakes as many waiters as fit |
/// | A8 | a body is given on as it is, and one that broke off does not end well |
/// | A9 | nothing is kept of callers that left: no task, and no waker, clone or request of fifty that gave up waiting |
/// | X2 | the same seed is the same history, event by event |
///
/// A2, A6, A7, the first half of R8 and the second of A3 and A9 are tested where a capacity is
/// [declared](Conformance::capacity). [`FuzzReport::asked`] has how often each was tested.
///
/// The stack's contract is declared with [`Conformance`], and then tested with [`Conformance::shake`]. A stack that
/// rejects after failures must declare for how long ([`recovers_within`](Conformance::recovers_within)); the calls it
/// holds back are then checked at the end only. A stack with a random number generator of its own must be seeded for
/// X2.
///
/// A seed takes some milliseconds in debug. A few dozen do for every change; overnight, pass as many as there is time
/// for. A finding names its seed, and that one seed finds it again.
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

/// Runs every seed twice: what one history shows, and whether the second is the same.
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
            let lab = TestEnv::new(contract, make);
            let (mut log, mut asked) = (Vec::new(), Asked::default());
            let found = catch_unwind(AssertUnwindSafe(|| {
                History::new(&lab, seed, &mut log, &mut asked).run()
            }));
            let found = found.unwrap_or_else(|_| {
                let panicked = Finding::Failed {
                    expected: "no panic but those of the plan".to_owned(),
                    seen: "a panic outside of any call".to_owned(),
                };
                Err(("A4", panicked))
            });
            (found, log, asked)
        };
        let (found, log, asked) = once();
        shaken.asked.add(&asked);
        let excepted = |name| contract.exceptions.iter().any(|(known, _)| *known == name);
        match found {
            Err((invariant, Finding::Failed { expected, seen })) if !excepted(invariant) => {
                shaken
                    .tremors
                    .push(FuzzFailure::new(seed, invariant, expected, seen, &log));
            }
            _ => {
                let (_, again, _) = once();
                shaken.asked.count("X2");
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
                    shaken.tremors.push(tremor);
                }
            }
        }
    }
    shaken
}
