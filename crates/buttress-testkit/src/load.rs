use http::Response;

use crate::call_state::CallState;
use crate::caller::Caller;
use crate::harness::Harness;
use crate::{Rng, Script, TestBody};

/// Many concurrent callers, polled in random order and, as by an executor, only when woken.
///
/// The results are counted in a [`Tally`], which the invariants check.
pub(crate) struct RandomCallers<'a> {
    harness: &'a Harness<'a>,
    members: Vec<Member<'a>>,
    /// Callers that have their response and have not read its body yet.
    readers: Vec<Caller<'a>>,
    dice: Rng,
    capacity: Option<usize>,
    pub(crate) tally: Tally,
}

struct Member<'a> {
    caller: Caller<'a>,
    inner_succeeds: bool,
    released: bool,
}

/// The results of the calls that were offered.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) offered: usize,
    pub(crate) rejected: usize,
    pub(crate) completed: usize,
    pub(crate) failed: usize,
    pub(crate) cancelled: usize,
    /// Calls that were not woken while a slot was free.
    pub(crate) stranded: usize,
    /// The largest number of calls inside beyond the capacity.
    pub(crate) excess: usize,
    /// The last call whose result differed from that of the inner service.
    pub(crate) mismatch: Option<String>,
}

impl Tally {
    pub(crate) fn ended(&self) -> usize {
        self.rejected + self.completed + self.failed + self.cancelled
    }
}

impl<'a> RandomCallers<'a> {
    pub(crate) fn new(harness: &'a Harness<'a>, seed: u64) -> Self {
        harness.probe.hold();
        Self {
            harness,
            members: Vec::new(),
            readers: Vec::new(),
            dice: Rng::new(seed),
            capacity: harness.env.contract.capacity,
            tally: Tally::default(),
        }
    }

    /// Runs one event: a caller arrives, is polled, is released by the inner service, or leaves; or all callers that
    /// can make progress are polled.
    pub(crate) fn step(&mut self, most: usize) {
        match self.dice.roll(10) {
            0..=2 if self.members.len() < most => self.arrive(),
            3 => self.cancel_any(),
            4 | 5 => {
                self.release_any();
            }
            6 if !self.readers.is_empty() => {
                let reader = self.dice.roll(self.readers.len());
                self.readers.swap_remove(reader);
            }
            7 => self.settle(),
            _ => {
                if let Some(member) = self.pick(Member::is_runnable) {
                    self.run(member);
                }
            }
        }
    }

    /// Polls all callers that can make progress, until none does.
    pub(crate) fn settle(&mut self) {
        let mut in_vain = 0;
        while in_vain < PATIENCE {
            let before = self.progress();
            let runnable = self.members.iter().filter(|member| member.is_runnable());
            let runnable: Vec<_> = runnable.map(|member| member.caller.id).collect();
            if runnable.is_empty() {
                break;
            }
            for id in runnable {
                let mut members = self.members.iter();
                if let Some(member) = members.position(|member| member.caller.id == id) {
                    self.run(member);
                }
            }
            in_vain = if self.progress() == before {
                in_vain + 1
            } else {
                0
            };
        }
        self.look_for_stranded();
    }

    /// Runs all callers to their end, without cancelling any.
    pub(crate) fn drain(&mut self) {
        loop {
            self.settle();
            if self.readers.pop().is_none() && !self.release_any() {
                break;
            }
        }
        self.tally.stranded = self.tally.stranded.max(self.members.len());
    }

    /// Changes the capacity, while no caller is being polled.
    pub(crate) fn resize(&mut self, resize: &dyn Fn(usize), most: usize) {
        self.settle();
        let capacity = 1 + self.dice.roll(most);
        self.capacity = Some(capacity);
        resize(capacity);
    }

    fn arrive(&mut self) {
        self.tally.offered += 1;
        self.members.push(Member {
            caller: self.harness.caller(),
            inner_succeeds: false,
            released: false,
        });
    }

    fn cancel_any(&mut self) {
        if let Some(member) = self.pick(|_| true) {
            self.tally.cancelled += 1;
            self.members.swap_remove(member);
        }
    }

    /// Releases a call that is held inside. Returns whether there was one.
    fn release_any(&mut self) -> bool {
        let Some(member) = self.pick(Member::is_held) else {
            return false;
        };
        self.members[member].released = true;
        self.harness.probe.release(self.members[member].caller.id);
        true
    }

    fn run(&mut self, member: usize) {
        let succeeds = self.dice.roll(3) > 0;
        self.harness.probe.script(self.ending(succeeds));
        let Member {
            caller,
            inner_succeeds,
            ..
        } = &mut self.members[member];
        let before = caller.state();
        let after = caller.poll_once();
        if before == CallState::Waiting && matches!(after, CallState::Inside | CallState::Responded)
        {
            *inner_succeeds = succeeds;
            let inside = self.inside();
            let excess = self.capacity.map_or(0, |most| inside.saturating_sub(most));
            self.tally.excess = self.tally.excess.max(excess);
        }
        if after.is_over() {
            self.conclude(member, after);
        }
    }

    /// Counts an answered call by its result, which must be the result of the inner service.
    fn conclude(&mut self, member: usize, state: CallState) {
        let Member {
            caller,
            inner_succeeds,
            ..
        } = self.members.swap_remove(member);
        let (attempts, succeeded) = (self.harness.probe.attempts(caller.id), caller.succeeded());
        let mismatch = match state {
            CallState::Rejected => succeeded,
            _ if inner_succeeds => attempts > 1 || !succeeded,
            _ => attempts == 1 && succeeded,
        };
        // With a worker task in between, it is unknown which script a call got.
        if mismatch && self.harness.tasks() == 0 {
            let outside = if succeeded { "success" } else { "failure" };
            let inside = if inner_succeeds { "success" } else { "failure" };
            self.tally.mismatch = Some(format!(
                "a {outside}, where the first of {attempts} calls inside was a {inside}"
            ));
        }
        match state {
            CallState::Rejected => self.tally.rejected += 1,
            _ if succeeded => {
                self.tally.completed += 1;
                self.readers.push(caller);
            }
            _ => self.tally.failed += 1,
        }
    }

    /// If a slot is free, a waiter must have been woken.
    fn look_for_stranded(&mut self) {
        if self
            .capacity
            .is_some_and(|capacity| self.inside() < capacity)
        {
            let stranded = self
                .members
                .iter()
                .filter(|member| member.is_waiting())
                .count();
            self.tally.stranded = self.tally.stranded.max(stranded);
        }
    }

    fn ending(&self, succeeds: bool) -> Script<Response<TestBody>> {
        if !succeeds {
            return Script::new().err("scripted failure");
        }
        // The body matters only where it is part of the call.
        let body = TestBody::empty();
        Script::new().ok(Response::new(if self.harness.env.contract.holds_body {
            body.data("answer")
        } else {
            body
        }))
    }

    fn inside(&self) -> usize {
        let bodies = if self.harness.env.contract.holds_body {
            self.harness.probe.open_bodies()
        } else {
            0
        };
        self.harness.probe.in_flight() + bodies
    }

    /// A number that grows whenever a caller makes progress.
    fn progress(&self) -> usize {
        self.tally.ended() + self.harness.probe.calls()
    }

    fn pick(&mut self, which: impl Fn(&Member<'a>) -> bool) -> Option<usize> {
        let found = self.members.iter().enumerate();
        let found: Vec<_> = found.filter(|(_, m)| which(m)).map(|(i, _)| i).collect();
        (!found.is_empty()).then(|| found[self.dice.roll(found.len())])
    }
}

impl Member<'_> {
    fn is_runnable(&self) -> bool {
        self.caller.polls == 0 || self.caller.is_woken()
    }

    fn is_held(&self) -> bool {
        self.caller.state() == CallState::Inside && !self.released
    }

    fn is_waiting(&self) -> bool {
        self.caller.state() == CallState::Waiting && !self.is_runnable()
    }
}

/// `settle` stops after this many rounds in a row without progress.
const PATIENCE: usize = 3;
