//! The transitions of the model, and what it computes its results from.

use std::time::Duration;

use buttress_core::circuit::{Cause, CircuitState, Refusal, Settlement, Transition};
use buttress_core::{FailureKind, Outcome, Ratio, Reason};

use buttress_core::window::{Counts, Window};

use super::{Answer, Model, Opening, Role, Ticket};

impl Model {
    /// Takes a probe's slot, if one is free.
    pub(super) fn probe(&mut self, now: u64) -> Result<Role, Refusal> {
        self.end_leases(now);
        if let Some(wait) = self.slot_in(now) {
            return Err(refusal(Reason::CircuitHalfOpen, Some(wait)));
        }
        self.probes_ever += 1;
        let lease_ends = now + nanos(self.rules.probe_timeout);
        self.probing.push((self.probes_ever, lease_ends, false));
        Ok(Role::Probe(self.probes_ever))
    }

    /// The time until a slot is free, if none is: until a lease or the half-open time ends.
    pub(super) fn slot_in(&self, now: u64) -> Option<u64> {
        if self.under_way(now) + self.probed.len() < self.rules.probes as usize {
            return None;
        }
        let stay_ends = self.half_open_since + nanos(self.rules.half_open_timeout);
        let leases = self.probing.iter().map(|&(_, lease_ends, _)| lease_ends);
        let ends = leases
            .filter(|&lease_ends| lease_ends > now)
            .chain([stay_ends]);
        ends.min().map(|end| end - now)
    }

    /// The transitions that depend on time only, made on a read.
    pub(super) fn pass_time(
        &mut self,
        now: u64,
        mut random: impl FnMut() -> u64,
    ) -> Option<Transition> {
        match self.state {
            CircuitState::Open if self.opens_in(now) == 0 => {
                self.half_open_since = now;
                self.probing.clear();
                self.probed.clear();
                Some(self.step(CircuitState::HalfOpen, Cause::OpenElapsed))
            }
            CircuitState::HalfOpen => self.judge_now(now).map(|passed| match passed {
                true => self.recover(now),
                false if self.stay_is_over(now) => {
                    self.open(Cause::StayElapsed, now, None, random())
                }
                false => self.open(Cause::ProbesFailed, now, None, random()),
            }),
            CircuitState::Recovering if self.ramp_is_done(now) => {
                self.state = CircuitState::Closed;
                Some(Transition {
                    from: CircuitState::Recovering,
                    to: CircuitState::Closed,
                    cause: Cause::RampDone,
                    open_for: None,
                })
            }
            _ => None,
        }
    }

    /// Records an ordinary call. Returns the rule that it breaks.
    pub(super) fn hear(&mut self, outcome: Outcome, slow: bool, now: u64) -> Option<Cause> {
        let failed = outcome.is_failure();
        match outcome {
            Outcome::Ignored => return None,
            Outcome::Success => self.row = 0,
            Outcome::Failure(FailureKind::Overload) => {}
            Outcome::Failure(_) => {
                self.row += 1;
            }
        }
        self.calls.push(now, failed, slow);
        let in_a_row = failed && outcome != Outcome::Failure(FailureKind::Overload);
        let long_enough = self
            .rules
            .consecutive_failures
            .is_some_and(|limit| self.row >= limit);
        if in_a_row && long_enough && self.is_outage(now) {
            return Some(Cause::ConsecutiveFailures);
        }
        let margin = match self.rules.window {
            Window::Count(_) => 0,
            Window::Time(_) => 32,
        };
        // In ten-thousandths of a call, and exact.
        let reaches = |part: fn(&Counts) -> u64, percent: u8| {
            let percent = u64::from(percent);
            self.calls.suffixes(now).iter().any(|counts| {
                counts.calls >= u64::from(self.rules.minimum_calls)
                    && 10_000 * part(counts)
                        >= 100 * percent * counts.calls + margin * percent * (100 - percent)
            })
        };
        match (self.rules.failure_percent, self.rules.slow_calls) {
            (Some(percent), _) if failed && reaches(|counts| counts.failures, percent) => {
                Some(Cause::FailureRatio)
            }
            (_, Some((_, percent))) if slow && reaches(|counts| counts.slow, percent) => {
                Some(Cause::SlowCallRatio)
            }
            _ => None,
        }
    }

    /// Whether the calls before the row failed too seldom for the row to be chance.
    fn is_outage(&self, now: u64) -> bool {
        let row = u64::from(self.row);
        self.calls.suffixes(now).iter().all(|counts| {
            let before = counts.calls.saturating_sub(row);
            let failed = counts.failures.saturating_sub(row);
            before < 4 || (failed as f64 / before as f64).powi(self.row as i32) <= 1e-9
        })
    }

    /// A probe succeeds if the head of its response came before its lease or the half-open time ended.
    fn end_leases(&mut self, now: u64) {
        let over = self.stay_is_over(now);
        for slot in std::mem::take(&mut self.probing) {
            let (_, lease_ends, answered) = slot;
            match lease_ends <= now || (answered && over) {
                true if answered => self.probed.push(false),
                true => {}
                false => self.probing.push(slot),
            }
        }
    }

    fn judge_now(&mut self, now: u64) -> Option<bool> {
        self.end_leases(now);
        self.judge(now)
    }

    /// Whether the probes passed, once the result cannot change or the half-open time is over.
    pub(super) fn judge(&self, now: u64) -> Option<bool> {
        let over = self.stay_is_over(now);
        let ended = self.probed.len() as u32;
        let failed = self.probed.iter().filter(|&&failed| failed).count() as u32;
        let of = if over { ended } else { self.rules.probes };
        match () {
            () if over && ended == 0 => Some(false),
            () if 100 * failed >= u32::from(self.rules.probe_failure_percent) * of => Some(false),
            () if over || ended >= self.rules.probes => Some(true),
            () => None,
        }
    }

    pub(super) fn open(
        &mut self,
        cause: Cause,
        now: u64,
        hint: Option<Duration>,
        draw: u64,
    ) -> Transition {
        if self.reopenings == 0 {
            self.failing_since = now;
        }
        self.opening = Opening {
            since: now,
            lasts: 0,
            failing_for: now - self.failing_since,
            hint,
            draw,
        };
        self.opening.lasts = self.open_nanos(self.opening);
        self.reopenings += 1;
        Transition {
            open_for: Some(Duration::from_nanos(self.opening.lasts)),
            ..self.step(CircuitState::Open, cause)
        }
    }

    pub(super) fn recover(&mut self, now: u64) -> Transition {
        self.calls.clear();
        self.closing_since = now;
        let to = match self.rules.ramp {
            Some(_) => CircuitState::Recovering,
            None => CircuitState::Closed,
        };
        self.step(to, Cause::ProbesPassed)
    }

    pub(super) fn step(&mut self, to: CircuitState, cause: Cause) -> Transition {
        self.epoch += 1;
        self.row = 0;
        let from = std::mem::replace(&mut self.state, to);
        Transition {
            from,
            to,
            cause,
            open_for: None,
        }
    }

    pub(super) fn seen(
        &mut self,
        step: impl FnOnce(&mut Self) -> Transition,
    ) -> Option<Transition> {
        let isolated = self.isolations > 0;
        Some(step(self)).filter(|step| step.from != step.to && !isolated)
    }

    pub(super) fn forgive(&mut self, now: u64) {
        if now - self.closing_since >= self.opening.lasts {
            self.reopenings = 0;
        }
    }

    pub(super) fn give_back(&mut self, probe: u64) -> bool {
        let held = self.probing.len();
        self.probing.retain(|&(number, ..)| number != probe);
        self.probing.len() < held
    }

    pub(super) fn under_way(&self, now: u64) -> usize {
        let leases = self.probing.iter().map(|&(_, lease_ends, _)| lease_ends);
        leases.filter(|&lease_ends| lease_ends > now).count()
    }

    pub(super) fn open_nanos(&self, opening: Opening) -> u64 {
        let scheduled = self
            .rules
            .open_for
            .after(Duration::from_nanos(opening.failing_for), opening.draw);
        let asked = opening
            .hint
            .and_then(|hint| Some(hint.min(self.rules.retry_after_cap?)));
        nanos(scheduled.max(asked.unwrap_or_default()))
    }

    pub(super) fn opens_in(&self, now: u64) -> u64 {
        (self.opening.since + self.opening.lasts).saturating_sub(now)
    }

    pub(super) fn stay_is_over(&self, now: u64) -> bool {
        now - self.half_open_since >= nanos(self.rules.half_open_timeout)
    }

    pub(super) fn ramp_nanos(&self) -> u64 {
        self.rules.ramp.map_or(0, |(over, _)| nanos(over))
    }

    pub(super) fn ramp_is_done(&self, now: u64) -> bool {
        now - self.closing_since >= self.ramp_nanos()
    }

    pub(super) fn share(&self, now: u64) -> Ratio {
        let (over, from) = self.rules.ramp.unwrap_or((Duration::ZERO, Ratio::ONE));
        let gone = ((now - self.closing_since) as f64 / nanos(over) as f64).min(1.0);
        Ratio::new((from.get() + (1.0 - from.get()) * gone).min(1.0)).unwrap_or(Ratio::ONE)
    }

    pub(super) fn answer(
        &self,
        verdict: Result<Role, Refusal>,
        would_reject: Option<Reason>,
        now: u64,
        transition: Option<Transition>,
    ) -> Answer {
        Answer {
            verdict: verdict.map(|role| self.ticket(role, now)),
            would_reject,
            transition,
        }
    }

    pub(super) fn ticket(&self, role: Role, now: u64) -> Ticket {
        Ticket {
            epoch: self.epoch,
            granted: now,
            answered: None,
            role,
        }
    }

    pub(super) fn settlement(
        &self,
        ticket: Ticket,
        outcome: Option<Outcome>,
        slow: bool,
    ) -> Settlement {
        Settlement {
            outcome,
            slow,
            stale: ticket.role != Role::Passenger && ticket.epoch != self.epoch,
            transition: None,
            freed: false,
        }
    }
}

pub(super) fn refusal(reason: Reason, wait: Option<u64>) -> Refusal {
    Refusal {
        reason,
        retry_after: wait.map(Duration::from_nanos),
    }
}

pub(super) fn isolation(from: CircuitState, to: CircuitState) -> Transition {
    Transition {
        from,
        to,
        cause: Cause::Isolation,
        open_for: None,
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    time.as_nanos() as u64
}
