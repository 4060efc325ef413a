//! The circuit does the same as the model, step by step: invariant B1 of the conformance suite.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Duration;

use buttress_core::circuit::{Cause, Circuit, Permit, Readiness, Transition};
use buttress_core::{Ending, FailureKind, Outcome, Report};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;

use super::epoch;
use super::model::{Model, Prospect, Ticket};
use super::rules::{Rules, rules, time};

#[derive(Debug, Clone)]
enum Step {
    Pass(Duration),
    Call,
    Reserve,
    /// Makes the call that a slot was reserved for.
    Renew(Index),
    Withdraw(Index),
    /// The head of a response comes, and its body continues.
    Answered(Index),
    Settle(Index, Report),
    Cancel(Index),
    Reset,
    Trip,
    Isolate,
    Release,
    Reconfigure(Box<Rules>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        40 => Just(Step::Call),
        6 => Just(Step::Reserve),
        4 => any::<Index>().prop_map(Step::Renew),
        1 => any::<Index>().prop_map(Step::Withdraw),
        30 => (any::<Index>(), report()).prop_map(|(call, report)| Step::Settle(call, report)),
        8 => any::<Index>().prop_map(Step::Answered),
        4 => any::<Index>().prop_map(Step::Cancel),
        15 => (0..2_000_000_000_u64).prop_map(|pause| Step::Pass(Duration::from_nanos(pause))),
        4 => time().prop_map(Step::Pass),
        1 => Just(Step::Reset),
        1 => Just(Step::Trip),
        1 => Just(Step::Isolate),
        2 => Just(Step::Release),
        1 => rules().prop_map(|rules| Step::Reconfigure(Box::new(rules))),
    ]
}

fn report() -> impl Strategy<Value = Report> {
    let outcome = prop_oneof![
        6 => Just(Outcome::Success),
        1 => Just(Outcome::Ignored),
        2 => Just(Outcome::Failure(FailureKind::Error)),
        2 => Just(Outcome::Failure(FailureKind::Overload)),
        2 => Just(Outcome::Failure(FailureKind::Timeout)),
        1 => Just(Outcome::Failure(FailureKind::Transport)),
    ];
    (outcome, prop::option::of(time()))
        .prop_map(|(outcome, hint)| Report::new(outcome).retry_after(hint))
}

/// Numbers that the circuit and the model take one by one, so that an additional or a missing draw shows later.
#[derive(Debug, Clone, PartialEq)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        (self.0 ^ (self.0 >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9)
    }
}

/// A circuit and its model in the same state.
struct Pair {
    circuit: Circuit,
    model: Model,
    /// The random numbers of the circuit, and of the model.
    dice: [Dice; 2],
    now: Duration,
    under_way: Vec<(Permit, Ticket)>,
    held: Vec<(Permit, Ticket)>,
}

impl Pair {
    fn new(rules: Rules, seed: u64) -> Self {
        Self {
            circuit: Circuit::new(rules.config(), epoch()).expect("valid"),
            model: Model::new(rules),
            dice: [Dice(seed), Dice(seed)],
            now: Duration::ZERO,
            under_way: Vec::new(),
            held: Vec::new(),
        }
    }

    /// Runs a step on both sides. Returns the transition that they agree on.
    fn take(&mut self, step: Step) -> Result<Option<Transition>, TestCaseError> {
        let instant = epoch() + self.now;
        let now = self.now.as_nanos() as u64;
        let [ours, theirs] = &mut self.dice;
        let (circuit, model) = (&self.circuit, &mut self.model);
        let transitions = match step {
            Step::Pass(time) => {
                self.now += time;
                return Ok(None);
            }
            Step::Call => {
                let ours = circuit.admit(instant, || ours.roll());
                let theirs = model.admit(now, || theirs.roll());
                prop_assert_eq!(ours.would_reject, theirs.would_reject);
                match (ours.verdict, theirs.verdict) {
                    (Ok(permit), Ok(ticket)) => self.under_way.push((permit, ticket)),
                    (Err(ours), Err(theirs)) => prop_assert_eq!(ours, theirs),
                    (ours, theirs) => prop_assert!(false, "{ours:?}, but {theirs:?}"),
                }
                [ours.transition, theirs.transition]
            }
            Step::Reserve => {
                let ours = circuit.reserve(instant, || ours.roll());
                let (theirs, transition) = model.reserve(now, || theirs.roll());
                match (ours.readiness, theirs) {
                    (Readiness::Admissible, Prospect::Admissible) => {}
                    (Readiness::Held(permit), Prospect::Held(ticket)) => {
                        self.held.push((permit, ticket));
                    }
                    (Readiness::Unready(ours), Prospect::Unready(theirs)) => {
                        prop_assert_eq!(ours, theirs);
                    }
                    (ours, theirs) => prop_assert!(false, "{ours:?}, but {theirs:?}"),
                }
                [ours.transition, transition]
            }
            Step::Renew(_) | Step::Withdraw(_) if self.held.is_empty() => return Ok(None),
            Step::Renew(call) => {
                let call = call.index(self.held.len());
                let (mut permit, mut ticket) = self.held.swap_remove(call);
                let good = circuit.renew(&mut permit, instant);
                prop_assert_eq!(good, model.renew(&mut ticket, now));
                // An expired permit must have no effect, so its call runs too.
                self.under_way.push((permit, ticket));
                [None, None]
            }
            Step::Withdraw(call) => {
                let call = call.index(self.held.len());
                let (permit, ticket) = self.held.swap_remove(call);
                prop_assert_eq!(circuit.withdraw(permit), model.withdraw(ticket));
                [None, None]
            }
            Step::Answered(_) | Step::Settle(..) | Step::Cancel(_) if self.under_way.is_empty() => {
                return Ok(None);
            }
            Step::Answered(call) => {
                let call = call.index(self.under_way.len());
                let (permit, ticket) = &mut self.under_way[call];
                circuit.answered(permit, instant);
                model.answered(ticket, now);
                [None, None]
            }
            Step::Settle(call, report) => {
                let call = call.index(self.under_way.len());
                let (permit, ticket) = self.under_way.swap_remove(call);
                let ours = circuit.settle(permit, report, instant, || ours.roll());
                let theirs = model.settle(ticket, report, now, || theirs.roll());
                prop_assert_eq!(ours, theirs);
                [ours.transition, theirs.transition]
            }
            Step::Cancel(call) => {
                let call = call.index(self.under_way.len());
                let (permit, ticket) = self.under_way.swap_remove(call);
                let ours = circuit.cancel(permit, Ending::Abandoned, instant, || ours.roll());
                let theirs = model.cancel(ticket, now, || theirs.roll());
                prop_assert_eq!(ours, theirs);
                [ours.transition, theirs.transition]
            }
            Step::Reset => [circuit.reset(instant), model.reset(now)],
            Step::Trip => [
                circuit.trip(instant, || ours.roll()),
                model.trip(now, theirs.roll()),
            ],
            Step::Isolate => [circuit.isolate(), model.isolate()],
            Step::Release => [circuit.release(), model.release()],
            Step::Reconfigure(rules) => {
                let changed = circuit.reconfigure(rules.config(), instant);
                prop_assert_eq!(changed, Ok(()));
                prop_assert_eq!(circuit.config(), rules.config());
                model.reconfigure(*rules, now);
                [None, None]
            }
        };
        let [ours, theirs] = transitions;
        prop_assert_eq!(ours, theirs);
        Ok(ours)
    }

    fn agree(&self) -> Result<(), TestCaseError> {
        let ours = self.circuit.snapshot(epoch() + self.now);
        prop_assert_eq!(ours, self.model.snapshot(self.now.as_nanos() as u64));
        prop_assert_eq!(&self.dice[0], &self.dice[1]);
        Ok(())
    }
}

#[test]
fn the_circuit_refines_the_model() {
    let seen = RefCell::new(HashSet::new());
    let steps = (rules(), any::<u64>(), prop::collection::vec(step(), 1..250));
    let config = ProptestConfig {
        source_file: Some(file!()),
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(&steps, |(rules, seed, steps)| {
            let mut pair = Pair::new(rules, seed);
            for step in steps {
                let transition = pair.take(step)?;
                seen.borrow_mut().extend(transition.map(|step| step.cause));
                pair.agree()?;
            }
            Ok(())
        })
        .unwrap();
    // Runs that never left the closed state would also agree, so each cause must occur.
    for cause in [
        Cause::ConsecutiveFailures,
        Cause::FailureRatio,
        Cause::Isolation,
        Cause::OpenElapsed,
        Cause::ProbesFailed,
        Cause::ProbesPassed,
        Cause::RampDone,
        Cause::Reset,
        Cause::SlowCallRatio,
        Cause::StayElapsed,
        Cause::Trip,
    ] {
        assert!(seen.borrow().contains(&cause), "never seen: {cause:?}");
    }
}
