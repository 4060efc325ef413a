use http::Response;

use crate::bench::Bench;
use crate::caller::{Caller, Standing};
use crate::finding::{Check, Finding, ensure};
use crate::{Dice, Script, TestBody};

/// Many callers at once, polled in random order, but as an executor does: only when they were woken.
pub(crate) struct Crowd<'a> {
    bench: &'a Bench<'a>,
    members: Vec<Member<'a>>,
    /// Those who have their answer, and have not read its body yet.
    readers: Vec<Caller<'a>>,
    dice: Dice,
    capacity: usize,
    pub(crate) tally: Tally,
}

struct Member<'a> {
    caller: Caller<'a>,
    inner_succeeds: bool,
    released: bool,
}

/// What became of the calls that were offered.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) offered: usize,
    pub(crate) refused: usize,
    pub(crate) completed: usize,
    pub(crate) failed: usize,
    pub(crate) cancelled: usize,
}

impl Tally {
    pub(crate) fn ended(&self) -> usize {
        self.refused + self.completed + self.failed + self.cancelled
    }
}

impl<'a> Crowd<'a> {
    pub(crate) fn new(bench: &'a Bench<'a>, seed: u64) -> Self {
        bench.probe.hold();
        Self {
            bench,
            members: Vec::new(),
            readers: Vec::new(),
            dice: Dice::new(seed),
            capacity: bench.lab.contract.capacity.unwrap_or(usize::MAX),
            tally: Tally::default(),
        }
    }

    /// Lets one thing happen: a caller comes, goes on, is let go by the inner service, or goes away.
    pub(crate) fn step(&mut self, most: usize) -> Check {
        match self.dice.roll(8) {
            0 | 1 if self.members.len() < most => self.arrive(),
            2 => self.cancel_any(),
            3 | 4 => {
                self.release_any();
            }
            5 if !self.readers.is_empty() => {
                let reader = self.dice.roll(self.readers.len());
                self.readers.swap_remove(reader);
            }
            _ => {
                if let Some(member) = self.pick(Self::is_runnable) {
                    self.run(member)?;
                }
            }
        }
        Ok(())
    }

    /// Lets everybody go on who can, so that nobody is on the way.
    pub(crate) fn settle(&mut self) -> Check {
        while let Some(member) = self.pick(Self::is_runnable) {
            self.run(member)?;
        }
        Ok(())
    }

    /// Lets everybody come to an end, without anybody being cancelled.
    pub(crate) fn drain(&mut self) -> Check {
        loop {
            self.settle()?;
            if self.readers.pop().is_none() && !self.release_any() {
                break;
            }
        }
        let left = self.members.len();
        ensure(
            left == 0,
            "everybody who waits is woken when a place is free",
            format!("{left} wait for ever, with nobody inside"),
        )
    }

    /// Changes the capacity, while nobody is on the way.
    pub(crate) fn resize(&mut self, resize: &dyn Fn(usize), most: usize) -> Check {
        self.settle()?;
        self.capacity = 1 + self.dice.roll(most);
        resize(self.capacity);
        Ok(())
    }

    fn arrive(&mut self) {
        self.tally.offered += 1;
        self.members.push(Member {
            caller: self.bench.caller(),
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

    /// Lets a call that is held inside go on, if there is one.
    fn release_any(&mut self) -> bool {
        let Some(member) = self.pick(Self::is_held) else {
            return false;
        };
        self.members[member].released = true;
        self.bench.probe.release(self.members[member].caller.id);
        true
    }

    fn run(&mut self, member: usize) -> Check {
        let succeeds = self.dice.roll(3) > 0;
        self.bench.probe.script(ending(succeeds));
        let Member {
            caller,
            inner_succeeds,
            ..
        } = &mut self.members[member];
        ensure(
            caller.polls < SPINNING,
            "nobody spins",
            "a caller is woken again and again",
        )?;
        let before = caller.standing();
        let after = caller.poll_once();
        if before == Standing::Waiting && matches!(after, Standing::Inside | Standing::Answered) {
            *inner_succeeds = succeeds;
            self.within_capacity()?;
        }
        if after.is_over() {
            self.conclude(member, after)?;
        }
        Ok(())
    }

    fn within_capacity(&self) -> Check {
        let probe = &self.bench.probe;
        let mut inside = probe.in_flight();
        if self.bench.lab.contract.holds_body {
            inside += probe.open_bodies();
        }
        ensure(
            inside <= self.capacity,
            format!("at most {} calls inside", self.capacity),
            format!("{inside} inside"),
        )
    }

    /// An answered call is counted by what the caller got, which must be what the inner service gave.
    fn conclude(&mut self, member: usize, standing: Standing) -> Check {
        let Member {
            caller,
            inner_succeeds,
            ..
        } = self.members.swap_remove(member);
        let (attempts, succeeded) = (self.bench.probe.attempts(caller.id), caller.succeeded());
        let ended = |as_what: &str| {
            let seen = if succeeded { "a success" } else { "a failure" };
            Finding::Failed {
                expected: format!("a call that {as_what} ends so, once"),
                seen: format!("{seen}, after {attempts} inner calls"),
            }
        };
        match standing {
            Standing::Refused if succeeded => return Err(ended("never reached the inner service")),
            Standing::Refused => self.tally.refused += 1,
            _ if inner_succeeds && (attempts > 1 || !succeeded) => {
                return Err(ended("succeeds inside"));
            }
            _ if !inner_succeeds && attempts == 1 && succeeded => {
                return Err(ended("fails inside"));
            }
            _ if succeeded => {
                self.tally.completed += 1;
                self.readers.push(caller);
            }
            _ => self.tally.failed += 1,
        }
        Ok(())
    }

    fn pick(&mut self, which: impl Fn(&Member<'_>) -> bool) -> Option<usize> {
        let found = self.members.iter().enumerate();
        let found: Vec<_> = found.filter(|(_, m)| which(m)).map(|(i, _)| i).collect();
        (!found.is_empty()).then(|| found[self.dice.roll(found.len())])
    }

    fn is_runnable(member: &Member<'_>) -> bool {
        member.caller.polls == 0 || member.caller.is_woken()
    }

    fn is_held(member: &Member<'_>) -> bool {
        member.caller.standing() == Standing::Inside && !member.released
    }
}

fn ending(succeeds: bool) -> Script<Response<TestBody>> {
    if succeeds {
        Script::new().ok(Response::new(TestBody::empty().data("answer")))
    } else {
        Script::new().err("scripted failure")
    }
}

/// Far more polls than any caller needs.
const SPINNING: usize = 10_000;
