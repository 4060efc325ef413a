use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use buttress_core::chaos::{Answer, Decision, Plan};

use super::plan::{self, Part};
use crate::bench::{Bench, Lab};
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::standing::{Piece, Standing};
use crate::{Dice, Gate};

/// What did not hold, and the name of what says that it should.
pub(super) type Found = Result<(), (&'static str, Finding)>;

/// One random history: callers under a plan of faults, one event after the other.
pub(super) struct History<'a> {
    bench: Bench<'a>,
    plan: Plan,
    dice: Dice,
    log: &'a mut Vec<String>,
}

/// Those who are there.
#[derive(Default)]
struct Cast<'b> {
    callers: Vec<(u64, Caller<'b>)>,
    readers: Vec<Reader<'b>>,
    /// What inner calls and bodies wait for, and when it comes.
    gates: Vec<(Duration, Gate)>,
    arrived: u64,
    now: Duration,
}

/// Somebody who has an answer, and reads it.
struct Reader<'b> {
    number: u64,
    caller: Caller<'b>,
    data: usize,
    trailers: usize,
}

impl<'a> History<'a> {
    pub(super) fn new(lab: &'a Lab<'a>, seed: u64, log: &'a mut Vec<String>) -> Self {
        let bench = lab.bench();
        bench.probe.let_pass();
        Self {
            bench,
            plan: plan::random(seed),
            dice: Dice::new(seed ^ 0x5EED),
            log,
        }
    }

    pub(super) fn run(self) -> Found {
        let Self {
            bench,
            plan,
            mut dice,
            log,
        } = self;
        let mut stage = Stage {
            bench: &bench,
            plan: &plan,
            dice: &mut dice,
            log,
            cast: Cast::default(),
        };
        for _ in 0..EVENTS {
            stage.event()?;
        }
        stage.leave();
        drop(stage);

        let unready = bench.probe.unready_calls();
        ensure(
            unready == 0,
            "nobody is called who was not ready",
            format!("{unready} calls"),
        )
        .map_err(of("R1"))?;
        bench.nothing_left("everybody left").map_err(of("A1"))?;
        bench.lab.clock.turn();
        let tasks = bench.tasks();
        ensure(
            tasks == 0,
            "after everybody left, no task runs on",
            format!("{tasks} do"),
        )
        .map_err(of("A9"))?;
        bench
            .probe
            .script(Part::of(&Decision::NOTHING, false).script);
        // The capacity is free, and what refuses has come back.
        bench.at_rest("everybody left").map_err(of("A3"))
    }
}

struct Stage<'b, 'l> {
    bench: &'b Bench<'b>,
    plan: &'b Plan,
    dice: &'l mut Dice,
    log: &'l mut Vec<String>,
    cast: Cast<'b>,
}

impl<'b> Stage<'b, '_> {
    /// Lets one thing happen.
    fn event(&mut self) -> Found {
        match self.dice.roll(10) {
            0..=2 if self.cast.callers.len() < MOST => self.arrive()?,
            3 => self.lose_patience(),
            4..=6 => self.read()?,
            7 => self.hang_up(),
            _ => self.let_time_pass(),
        }
        // Not always at once: whoever was given a place may leave before knowing it. And not for ever: who wakes itself is
        // for R9 to find.
        for _ in 0..self.dice.roll(2 * MOST) {
            let mut callers = self.cast.callers.iter();
            let Some(woken) = callers.position(|(_, caller)| caller.is_woken()) else {
                break;
            };
            let (number, caller) = self.cast.callers.remove(woken);
            self.go_on(number, caller)?;
        }
        self.within_capacity().map_err(of("A6"))
    }

    fn arrive(&mut self) -> Found {
        let number = self.cast.arrived;
        self.cast.arrived += 1;
        self.note(number, "arrives");
        let caller = self.bench.caller();
        self.go_on(number, caller)
    }

    /// Polls a caller until it waits again, and lets it go on as a reader or leave.
    fn go_on(&mut self, number: u64, mut caller: Caller<'b>) -> Found {
        let decision = plan::decide(self.plan, number);
        let part = Part::of(&decision, number % 2 == 0);
        let came = part.gates.into_iter();
        self.cast
            .gates
            .extend(came.map(|(after, gate)| (self.cast.now + after, gate)));
        self.bench.probe.script(part.script);
        let Ok(standing) = catch_unwind(AssertUnwindSafe(|| caller.poll())) else {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(caller)));
            self.note(number, "panics");
            let planned = decision
                .answer
                .is_some_and(|hit| *hit.what == Answer::Panic);
            let seen = format!("call {number} panics, with {:?}", names(&decision));
            return ensure(planned, "no panic but those of the plan", seen).map_err(of("A4"));
        };
        if !standing.is_over() {
            self.cast.callers.push((number, caller));
            return Ok(());
        }
        let succeeded = caller.succeeded();
        self.note(
            number,
            match (standing, succeeded) {
                (Standing::Refused, _) => "is refused",
                (_, true) => "succeeds",
                (_, false) => "fails",
            },
        );
        if succeeded {
            let honest = standing == Standing::Answered && plan::succeeds(&decision);
            ensure(
                honest,
                "no success where the inner service had none",
                format!(
                    "call {number} succeeds, and inside it was {:?}",
                    names(&decision)
                ),
            )
            .map_err(of("A5"))?;
            self.cast.readers.push(Reader {
                number,
                caller,
                data: 0,
                trailers: 0,
            });
        }
        Ok(())
    }

    /// Somebody reads on.
    fn read(&mut self) -> Found {
        if self.cast.readers.is_empty() {
            return Ok(());
        }
        let at = self.dice.roll(self.cast.readers.len());
        let reader = &mut self.cast.readers[at];
        let number = reader.number;
        let decision = plan::decide(self.plan, number);
        let piece = reader.caller.poll_body();
        match piece {
            None => {}
            Some(Piece::Data) => reader.data += 1,
            Some(Piece::Trailers) => reader.trailers += 1,
            Some(Piece::Error) => {
                self.cast.readers.remove(at);
                self.note(number, "reads an error");
            }
            Some(Piece::End) => {
                let Reader { data, trailers, .. } = self.cast.readers.remove(at);
                self.note(number, "reads the end");
                ensure(
                    plan::is_whole(&decision, data, trailers),
                    "a body is given on as it is",
                    format!(
                        "of call {number}, with {:?}: {data} pieces, {trailers} trailers, and the end",
                        names(&decision)
                    ),
                )
                .map_err(of("A8"))?;
            }
        }
        Ok(())
    }

    fn lose_patience(&mut self) {
        if !self.cast.callers.is_empty() {
            let at = self.dice.roll(self.cast.callers.len());
            let (number, caller) = self.cast.callers.remove(at);
            drop(caller);
            self.note(number, "loses patience");
        }
    }

    fn hang_up(&mut self) {
        if !self.cast.readers.is_empty() {
            let at = self.dice.roll(self.cast.readers.len());
            let number = self.cast.readers.remove(at).number;
            self.note(number, "hangs up");
        }
    }

    fn let_time_pass(&mut self) {
        let time = Duration::from_millis(1 + self.dice.roll(700) as u64);
        self.cast.now += time;
        self.bench.lab.clock.advance(time);
        let now = self.cast.now;
        let (due, waits) = std::mem::take(&mut self.cast.gates)
            .into_iter()
            .partition::<Vec<_>, _>(|(at, _)| *at <= now);
        self.cast.gates = waits;
        due.iter().for_each(|(_, gate)| gate.open());
    }

    /// Everybody goes, whatever they were waiting for.
    fn leave(&mut self) {
        while !self.cast.callers.is_empty() {
            self.lose_patience();
        }
        while !self.cast.readers.is_empty() {
            self.hang_up();
        }
    }

    fn within_capacity(&self) -> Check {
        let Some(capacity) = self.bench.lab.contract.capacity else {
            return Ok(());
        };
        let holds_body = self.bench.lab.contract.holds_body;
        let bodies = if holds_body {
            self.bench.probe.open_bodies()
        } else {
            0
        };
        let inside = self.bench.probe.in_flight() + bodies;
        ensure(
            inside <= capacity,
            format!("never more than {capacity} inside"),
            format!("{inside}"),
        )
    }

    fn note(&mut self, number: u64, what: &str) {
        let ms = self.cast.now.as_millis();
        let asked = self.bench.probe.calls();
        self.log.push(format!(
            "{ms} ms, {asked} calls inside so far: {number} {what}"
        ));
    }
}

fn of(invariant: &'static str) -> impl Fn(Finding) -> (&'static str, Finding) {
    move |finding| (invariant, finding)
}

fn names(decision: &Decision<'_>) -> Vec<String> {
    decision
        .names()
        .map(|name| name.as_str().to_owned())
        .collect()
}

/// Enough for some dozens of callers to come and go, and for circuits to open and to close again.
const EVENTS: usize = 300;

/// So many callers wait at one time, at most.
const MOST: usize = 12;
