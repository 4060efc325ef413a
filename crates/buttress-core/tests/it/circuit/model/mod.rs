//! A naive circuit for one thread: it keeps lists of calls, and computes every result from them.

mod calls;
mod steps;

use std::time::Duration;

use buttress_core::circuit::{
    Cause, CircuitSnapshot, CircuitState, Refusal, Settlement, Transition,
};
use buttress_core::{FailureKind, Mode, Outcome, Ratio, Reason, Report};

use self::calls::Calls;
use self::steps::{isolation, nanos, refusal};
use super::rules::Rules;

/// The model of a permit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ticket {
    epoch: u64,
    granted: u64,
    /// The time until the head of the response, once it has come.
    answered: Option<u64>,
    role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Role {
    Call,
    Passenger,
    Probe(u64),
}

/// The model of an admission.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) verdict: Result<Ticket, Refusal>,
    pub(crate) would_reject: Option<Reason>,
    pub(crate) transition: Option<Transition>,
}

/// The model of a circuit's readiness.
#[derive(Debug)]
pub(crate) enum Prospect {
    Admissible,
    Held(Ticket),
    Unready(Option<Duration>),
}

#[derive(Debug)]
pub(crate) struct Model {
    rules: Rules,
    /// The state beneath any isolation.
    state: CircuitState,
    epoch: u64,
    isolations: u32,
    calls: Calls,
    row: u32,
    closing_since: u64,
    opening: Opening,
    reopenings: u32,
    failing_since: u64,
    half_open_since: u64,
    probes_ever: u64,
    /// Each probe in flight: its number, the end of its lease, and whether the head of its response came.
    probing: Vec<(u64, u64, bool)>,
    /// Each probe that ended: whether it failed.
    probed: Vec<bool>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Opening {
    since: u64,
    lasts: u64,
    failing_for: u64,
    hint: Option<Duration>,
    draw: u64,
}

/// Time is in nanoseconds and never goes back. `random` returns the numbers in the order in which they are used.
impl Model {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            calls: Calls::new(rules.window),
            rules,
            state: CircuitState::Closed,
            epoch: 0,
            isolations: 0,
            row: 0,
            closing_since: 0,
            opening: Opening::default(),
            reopenings: 0,
            failing_since: 0,
            half_open_since: 0,
            probes_ever: 0,
            probing: Vec::new(),
            probed: Vec::new(),
        }
    }

    pub(crate) fn admit(&mut self, now: u64, mut random: impl FnMut() -> u64) -> Answer {
        if self.rules.mode == Mode::Off {
            return self.answer(Ok(Role::Passenger), None, now, None);
        }
        let mut transition = None;
        let verdict = if self.isolations > 0 {
            Err(refusal(Reason::CircuitIsolated, None))
        } else {
            transition = self.pass_time(now, &mut random);
            match self.state {
                CircuitState::Closed | CircuitState::Isolated => Ok(Role::Call),
                CircuitState::Open => Err(refusal(Reason::CircuitOpen, Some(self.opens_in(now)))),
                CircuitState::HalfOpen => self.probe(now),
                CircuitState::Recovering if self.share(now).includes(random()) => Ok(Role::Call),
                CircuitState::Recovering => {
                    let left = self.closing_since + self.ramp_nanos() - now;
                    Err(refusal(Reason::CircuitRecovering, Some(left)))
                }
            }
        };
        match verdict {
            Err(refused) if !self.rules.mode.is_enforced(random) => {
                self.answer(Ok(Role::Passenger), Some(refused.reason), now, transition)
            }
            verdict => self.answer(verdict, None, now, transition),
        }
    }

    pub(crate) fn settle(
        &mut self,
        ticket: Ticket,
        report: Report,
        now: u64,
        mut random: impl FnMut() -> u64,
    ) -> Settlement {
        let took = ticket.took(now);
        let hasty = self.rules.attempt_timeout.is_some_and(|full| took < full);
        let outcome = match report.outcome {
            Outcome::Failure(FailureKind::Timeout) if hasty => Outcome::Ignored,
            outcome => outcome,
        };
        let outcome = match outcome {
            Outcome::Ignored if ticket.is_answered_probe() => Outcome::Success,
            outcome => outcome,
        };
        let slow = self
            .rules
            .slow_calls
            .is_some_and(|(threshold, _)| took > threshold);
        let mut settlement = self.settlement(ticket, Some(outcome), slow);
        if settlement.stale {
            return settlement;
        }
        let isolated = self.isolations > 0;
        let step = match ticket.role {
            Role::Passenger => None,
            Role::Probe(probe) => {
                settlement.freed = self.give_back(probe);
                if !settlement.freed || outcome == Outcome::Ignored {
                    return settlement;
                }
                self.probed.push(outcome.is_failure() || slow);
                self.judge(now).map(|passed| match passed {
                    true => self.recover(now),
                    false => self.open(Cause::ProbesFailed, now, report.retry_after, random()),
                })
            }
            Role::Call => self.hear(outcome, slow, now).map(|cause| {
                self.forgive(now);
                self.open(cause, now, report.retry_after, random())
            }),
        };
        settlement.transition = step.filter(|_| !isolated);
        settlement
    }

    pub(crate) fn cancel(
        &mut self,
        ticket: Ticket,
        now: u64,
        random: impl FnMut() -> u64,
    ) -> Settlement {
        let full = self.rules.attempt_timeout;
        if ticket.answered.is_none() && full.is_some_and(|full| ticket.took(now) >= full) {
            return self.settle(ticket, Report::failure(FailureKind::Timeout), now, random);
        }
        let mut settlement = self.settlement(ticket, None, false);
        if ticket.is_answered_probe() && !settlement.stale {
            return self.settle(ticket, Report::SUCCESS, now, random);
        }
        if let (Role::Probe(probe), false) = (ticket.role, settlement.stale) {
            settlement.freed = self.give_back(probe);
        }
        settlement
    }

    pub(crate) fn answered(&mut self, ticket: &mut Ticket, now: u64) {
        ticket.answered = Some(
            ticket
                .answered
                .unwrap_or_else(|| (now - ticket.granted).max(1)),
        );
        if ticket.epoch == self.epoch {
            let probes = self.probing.iter_mut();
            probes
                .filter(|(probe, ..)| ticket.role == Role::Probe(*probe))
                .for_each(|(_, _, answered)| *answered = true);
        }
    }

    pub(crate) fn reset(&mut self, now: u64) -> Option<Transition> {
        self.reopenings = 0;
        self.calls.clear();
        self.closing_since = now;
        self.seen(|model| model.step(CircuitState::Closed, Cause::Reset))
    }

    pub(crate) fn trip(&mut self, now: u64, draw: u64) -> Option<Transition> {
        if matches!(self.state, CircuitState::Closed | CircuitState::Recovering) {
            self.forgive(now);
        }
        self.seen(|model| model.open(Cause::Trip, now, None, draw))
    }

    pub(crate) fn isolate(&mut self) -> Option<Transition> {
        self.isolations += 1;
        (self.isolations == 1).then(|| isolation(self.state, CircuitState::Isolated))
    }

    pub(crate) fn release(&mut self) -> Option<Transition> {
        let was = self.isolations;
        self.isolations = was.saturating_sub(1);
        (was == 1).then(|| isolation(CircuitState::Isolated, self.state))
    }

    pub(crate) fn reconfigure(&mut self, rules: Rules, now: u64) {
        self.calls.resize(rules.window, now);
        self.rules = rules;
        self.opening.lasts = self.open_nanos(self.opening);
    }

    pub(crate) fn snapshot(&self, now: u64) -> CircuitSnapshot {
        let state = match self.state {
            _ if self.isolations > 0 => CircuitState::Isolated,
            CircuitState::Open if self.opens_in(now) == 0 => CircuitState::HalfOpen,
            CircuitState::Recovering if self.ramp_is_done(now) => CircuitState::Closed,
            state => state,
        };
        CircuitSnapshot {
            state,
            mode: self.rules.mode,
            counts: self.calls.counts(now),
            consecutive_failures: self.row,
            probes_under_way: match self.state {
                CircuitState::HalfOpen => self.under_way(now),
                _ => 0,
            },
            admitted: match state {
                CircuitState::Closed => Ratio::ONE,
                CircuitState::Recovering => self.share(now),
                _ => Ratio::ZERO,
            },
            next_probe_in: (state == CircuitState::Open)
                .then(|| Duration::from_nanos(self.opens_in(now))),
            reopenings: self.reopenings,
            isolations: self.isolations,
            epoch: self.epoch,
        }
    }

    pub(crate) fn reserve(
        &mut self,
        now: u64,
        random: impl FnMut() -> u64,
    ) -> (Prospect, Option<Transition>) {
        if self.rules.mode != Mode::Enforce {
            return (Prospect::Admissible, None);
        }
        if self.isolations > 0 {
            return (Prospect::Unready(None), None);
        }
        let transition = self.pass_time(now, random);
        let prospect = match self.state {
            CircuitState::Open => Prospect::Unready(Some(Duration::from_nanos(self.opens_in(now)))),
            CircuitState::HalfOpen => match self.probe(now) {
                Ok(role) => Prospect::Held(self.ticket(role, now)),
                Err(refusal) => Prospect::Unready(refusal.retry_after),
            },
            _ => Prospect::Admissible,
        };
        (prospect, transition)
    }

    pub(crate) fn renew(&mut self, ticket: &mut Ticket, now: u64) -> bool {
        ticket.granted = now;
        let lease_ends = now + nanos(self.rules.probe_timeout);
        let slot = self.probing.iter_mut().find(|(probe, ends, _)| {
            ticket.epoch == self.epoch && ticket.role == Role::Probe(*probe) && *ends > now
        });
        slot.map(|slot| slot.1 = lease_ends).is_some()
    }

    pub(crate) fn withdraw(&mut self, ticket: Ticket) -> bool {
        match ticket.role {
            Role::Probe(probe) if ticket.epoch == self.epoch => self.give_back(probe),
            _ => false,
        }
    }
}

impl Ticket {
    fn is_answered_probe(&self) -> bool {
        self.answered.is_some() && matches!(self.role, Role::Probe(_))
    }

    fn took(&self, now: u64) -> Duration {
        Duration::from_nanos(self.answered.unwrap_or(now - self.granted))
    }
}
