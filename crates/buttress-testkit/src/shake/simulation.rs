use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use buttress_core::chaos::{Answer, Decision, Plan};

use super::capacity::CapacityCheck;
use super::history::{Found, of};
use super::invariants::TestCounts;
use super::plan::{self, Part};
use crate::call_state::{CallState, Piece};
use crate::caller::Caller;
use crate::finding::ensure;
use crate::harness::Harness;
use crate::{Gate, Rng};

/// The state of a history: the harness, the plan, the current callers, and the event log.
pub(super) struct Simulation<'b, 'l> {
    pub(super) harness: &'b Harness<'b>,
    plan: &'b Plan,
    pub(super) dice: &'l mut Rng,
    pub(super) log: &'l mut Vec<String>,
    pub(super) tested: &'l mut TestCounts,
    pub(super) state: State<'b>,
    /// The capacity check, if a capacity is declared.
    pub(super) room: Option<CapacityCheck>,
}

/// The current callers and readers.
#[derive(Default)]
pub(super) struct State<'b> {
    pub(super) callers: Vec<(u64, Caller<'b>)>,
    pub(super) readers: Vec<Reader<'b>>,
    /// The gates that inner calls and bodies wait for, and when they open.
    gates: Vec<(Duration, Gate)>,
    /// Whether the inner service is currently not ready.
    pub(super) unready: bool,
    /// Whether all callers wait for their response, and read it.
    patient: bool,
    arrived: u64,
    now: Duration,
}

/// A caller that has a response and reads it.
pub(super) struct Reader<'b> {
    number: u64,
    caller: Caller<'b>,
    data: usize,
    trailers: usize,
    /// Keeps the response and reads nothing, like a socket whose peer does not read.
    idle: bool,
}

impl<'b, 'l> Simulation<'b, 'l> {
    pub(super) fn new(
        harness: &'b Harness<'b>,
        plan: &'b Plan,
        dice: &'l mut Rng,
        log: &'l mut Vec<String>,
        tested: &'l mut TestCounts,
    ) -> Self {
        Self {
            room: harness.env.contract.capacity.map(CapacityCheck::new),
            harness,
            plan,
            dice,
            log,
            tested,
            state: State::default(),
        }
    }

    /// Runs one event.
    pub(super) fn event(&mut self) -> Found {
        match self.dice.roll(14) {
            0..=2 if self.state.callers.len() < MOST => self.arrive()?,
            3 => self.lose_patience()?,
            4..=6 => self.read()?,
            7 => self.hang_up(),
            // A caller that was assigned a slot, and waits for the inner service, would not be counted.
            8 if !self.state.unready => self.resize()?,
            9 => self.move_on()?,
            10 => self.turn_readiness(),
            _ => self.let_time_pass(),
        }
        self.no_waiter_is_stranded("R8")?;
        // The number of polls is random, since a caller that was assigned a slot may leave before it polls; and it is
        // bounded, since a future may wake itself. R9 finds such futures.
        for _ in 0..self.dice.roll(2 * MOST) {
            if !self.poll_a_woken()? {
                break;
            }
        }
        self.within_room()?;
        self.no_waiter_is_stranded("R8")
    }

    /// Ends the history: either all callers leave, in any state, or all wait for their response.
    pub(super) fn end(&mut self) -> Found {
        if self.state.unready {
            self.turn_readiness();
        }
        if self.dice.roll(2) == 0 {
            self.wait_for_all()?;
        }
        while !self.state.callers.is_empty() {
            self.lose_patience()?;
        }
        while !self.state.readers.is_empty() {
            self.hang_up();
        }
        if let (Some(room), Some(resize)) = (&mut self.room, self.harness.layer.resizer()) {
            let capacity = self.harness.env.contract.capacity.unwrap_or(room.limit);
            if room.limit != capacity {
                resize(capacity);
                room.resize(capacity, 0);
            }
        }
        Ok(())
    }

    fn arrive(&mut self) -> Found {
        let number = self.state.arrived;
        self.state.arrived += 1;
        self.note(number, "arrives");
        let caller = self.harness.caller();
        self.go_on(number, caller)
    }

    /// Polls a caller until it waits again. It then continues as a caller or a reader, or leaves.
    fn go_on(&mut self, number: u64, mut caller: Caller<'b>) -> Found {
        let decision = plan::decide(self.plan, number);
        let part = Part::of(&decision, number.is_multiple_of(2));
        let came = part.gates.into_iter();
        self.state
            .gates
            .extend(came.map(|(after, gate)| (self.state.now + after, gate)));
        self.harness.probe.script(part.script);
        let Ok(state) = catch_unwind(AssertUnwindSafe(|| caller.poll())) else {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(caller)));
            self.note(number, "panics");
            self.tested.count("A4");
            let planned = decision
                .answer
                .is_some_and(|hit| *hit.what == Answer::Panic);
            let seen = format!("call {number} panics, with {:?}", names(&decision));
            return ensure(planned, "no panic except those of the plan", seen).map_err(of("A4"));
        };
        if !state.is_over() {
            self.state.callers.push((number, caller));
            return Ok(());
        }
        let succeeded = caller.succeeded();
        self.note(
            number,
            match (state, succeeded) {
                (CallState::Rejected, _) => "is rejected",
                (_, true) => "succeeds",
                (_, false) => "fails",
            },
        );
        if succeeded {
            self.tested.count("A5");
            let honest = state == CallState::Responded && plan::succeeds(&decision);
            ensure(
                honest,
                "no success where the inner service had none",
                format!(
                    "call {number} succeeds, and inside it was {:?}",
                    names(&decision)
                ),
            )
            .map_err(of("A5"))?;
            self.state.readers.push(Reader {
                number,
                caller,
                data: 0,
                trailers: 0,
                idle: self.dice.roll(8) == 0 && !self.state.patient,
            });
        }
        Ok(())
    }

    /// Polls the body of a reader.
    fn read(&mut self) -> Found {
        let reading = self.state.readers.iter().enumerate();
        let reading = reading.filter(|(_, reader)| !reader.idle);
        let reading: Vec<_> = reading.map(|(at, _)| at).collect();
        if reading.is_empty() {
            return Ok(());
        }
        let at = reading[self.dice.roll(reading.len())];
        let reader = &mut self.state.readers[at];
        let number = reader.number;
        let decision = plan::decide(self.plan, number);
        let piece = reader.caller.poll_body();
        match piece {
            None => {}
            Some(Piece::Data) => reader.data += 1,
            Some(Piece::Trailers) => reader.trailers += 1,
            Some(Piece::Error) => {
                self.state.readers.remove(at);
                self.note(number, "reads an error");
            }
            Some(Piece::End) => {
                let Reader { data, trailers, .. } = self.state.readers.remove(at);
                self.note(number, "reads the end");
                self.tested.count("A8");
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

    /// A caller leaves: in about half of the cases one that was just woken, and has not polled yet.
    fn lose_patience(&mut self) -> Found {
        if self.state.callers.is_empty() {
            return Ok(());
        }
        let mut woken = self.state.callers.iter();
        let woken = woken.position(|(_, caller)| caller.is_woken());
        let at = match woken {
            Some(woken) if self.dice.roll(2) == 0 => woken,
            _ => self.dice.roll(self.state.callers.len()),
        };
        let (number, caller) = self.state.callers.remove(at);
        let waited = caller.state() == CallState::Waiting;
        drop(caller);
        self.note(number, "loses patience");
        if waited && self.waiting().next().is_some() {
            self.tested.count("A2");
        }
        self.no_waiter_is_stranded("A2")
    }

    /// A caller that waits continues as another task.
    fn move_on(&mut self) -> Found {
        let waiting = self.state.callers.iter().enumerate();
        let waiting = waiting.filter(|(_, (_, caller))| waits(caller));
        let waiting: Vec<_> = waiting.map(|(at, _)| at).collect();
        if waiting.is_empty() {
            return Ok(());
        }
        let at = waiting[self.dice.roll(waiting.len())];
        let (number, mut caller) = self.state.callers.remove(at);
        self.note(number, "moves to another task");
        drop(caller.move_to_another_task());
        self.go_on(number, caller)
    }

    fn hang_up(&mut self) {
        if !self.state.readers.is_empty() {
            let at = self.dice.roll(self.state.readers.len());
            let number = self.state.readers.remove(at).number;
            self.note(number, "hangs up");
        }
    }

    /// Switches whether the inner service is ready for new callers.
    fn turn_readiness(&mut self) {
        self.state.unready = !self.state.unready;
        let what = if self.state.unready {
            self.harness.probe.not_ready();
            "not ready"
        } else {
            self.harness.probe.ready();
            "ready"
        };
        self.log.push(format!("the inner service is {what}"));
    }

    fn let_time_pass(&mut self) {
        let time = Duration::from_millis(1 + self.dice.roll(700) as u64);
        self.pass(time);
    }

    fn pass(&mut self, time: Duration) {
        self.state.now += time;
        self.harness.env.clock.advance(time);
        let now = self.state.now;
        let (due, waits) = std::mem::take(&mut self.state.gates)
            .into_iter()
            .partition::<Vec<_>, _>(|(at, _)| *at <= now);
        self.state.gates = waits;
        due.iter().for_each(|(_, gate)| gate.open());
    }

    /// No caller leaves any more, except those for which the inner service never responds. All other events happen, so
    /// all callers finish.
    fn wait_for_all(&mut self) -> Found {
        self.tested.count("R8");
        self.state.patient = true;
        for reader in &mut self.state.readers {
            reader.idle = false;
        }
        for _ in 0..PATIENCE {
            let plan = self.plan;
            let hangs = |number: &u64| {
                let answer = plan::decide(plan, *number).answer;
                answer.is_some_and(|hit| *hit.what == Answer::Hang)
            };
            let endless = |(number, caller): &(u64, Caller<'_>)| {
                caller.state() == CallState::Inside && hangs(number)
            };
            self.state.callers.retain(|call| !endless(call));
            for (_, gate) in std::mem::take(&mut self.state.gates) {
                gate.open();
            }
            for _ in 0..PATIENCE {
                if !self.poll_a_woken()? && !self.has_unread() {
                    break;
                }
                self.read()?;
            }
            self.within_room()?;
            if self.state.callers.is_empty() && self.state.readers.is_empty() {
                return Ok(());
            }
            let recovery = self
                .harness
                .env
                .contract
                .recovers_within
                .unwrap_or_default();
            self.pass(recovery.max(Duration::from_secs(1)));
        }
        let (callers, readers) = (self.state.callers.len(), self.state.readers.len());
        let waiting = self.waiting().count();
        ensure(
            false,
            "every patient caller finishes, once no event prevents it",
            format!(
                "{callers} callers, {waiting} of them never admitted, and {readers} readers did not"
            ),
        )
        .map_err(of("R8"))
    }

    /// Polls a woken caller, if there is one.
    fn poll_a_woken(&mut self) -> Result<bool, (&'static str, crate::finding::Finding)> {
        let mut callers = self.state.callers.iter();
        let Some(woken) = callers.position(|(_, caller)| caller.is_woken()) else {
            return Ok(false);
        };
        let (number, caller) = self.state.callers.remove(woken);
        self.go_on(number, caller)?;
        Ok(true)
    }

    fn has_unread(&self) -> bool {
        !self.state.readers.is_empty()
    }

    fn note(&mut self, number: u64, what: &str) {
        let ms = self.state.now.as_millis();
        let asked = self.harness.probe.calls();
        self.log.push(format!(
            "{ms} ms, {asked} calls inside so far: {number} {what}"
        ));
    }
}

fn names(decision: &Decision<'_>) -> Vec<String> {
    decision
        .names()
        .map(|name| name.as_str().to_owned())
        .collect()
}

/// Whether the call has no response yet, and the inner service was not called.
pub(super) fn waits(caller: &Caller<'_>) -> bool {
    caller.state() == CallState::Waiting
}

/// The maximum number of callers that wait at one time.
const MOST: usize = 12;

/// Enough rounds, each of a second or of the recovery time, for every backoff and every wait.
const PATIENCE: usize = 64;
