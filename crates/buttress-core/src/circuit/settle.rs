use std::time::{Duration, Instant};

use super::evidence::Evidence;
use super::permit::{Permit, Role, Settlement};
use super::probes::Verdict;
use super::steps::Locked;
use super::{Cause, Circuit};
use crate::blame::{Dropped, at_declared_end, was_cut_short, was_kept_waiting};
use crate::sync::Ordering;
use crate::time::nanos;
use crate::window::{Generation, Mark};
use crate::{Deadline, Ending, FailureKind, Outcome, Report, Upload};

impl Circuit {
    /// Records how a permitted call ended. `random` returns a uniform number, used as the jitter of an open time.
    #[expect(clippy::needless_pass_by_value, reason = "a permit is used up")]
    #[inline]
    pub fn settle(
        &self,
        permit: Permit,
        report: Report,
        now: Instant,
        random: impl FnOnce() -> u64,
    ) -> Settlement {
        if self.settle_in_time(&permit, report.outcome, now) {
            return IN_TIME;
        }
        self.settle_slowly(&permit, report, now, random)
    }

    /// Records a call of the most frequent kind: one that succeeded in the tick in which it was permitted, so that it
    /// was not slow and cannot move the circuit. Returns `false`, and records nothing, for any other call.
    #[inline]
    pub fn settle_in_time(&self, permit: &Permit, outcome: Outcome, now: Instant) -> bool {
        if outcome != Outcome::Success
            || permit.role != Role::Call
            || self.word().tag() != permit.tag
        {
            return false;
        }
        let Some(slot) = self
            .successes
            .slot_of(permit.tag.version(), permit.granted, now)
        else {
            return false;
        };
        self.row.end(permit.tag.epoch());
        self.successes.add_to(slot)
    }

    /// Records that a permitted call was dropped before it ended, for the reason `ending`. The drop is neutral for the
    /// dependency, unless the call had the full attempt timeout, or the time that [its request
    /// declares](Permit::allow), and the response head did not arrive in that time. A probe whose response head has
    /// arrived counts as successful.
    pub fn cancel(
        &self,
        permit: Permit,
        ending: Ending,
        now: Instant,
        random: impl FnOnce() -> u64,
    ) -> Settlement {
        let mut locked = self.lock();
        let took = permit.took(now);
        let dropped = Dropped {
            ending: if permit.had_all_of(locked.config.attempt_timeout, now) {
                // A timeout layer of another library drops a call without giving a reason.
                Ending::Expired
            } else {
                at_declared_end(ending, permit.allowed, took)
            },
            answered: permit.is_answered(),
            took: Duration::from_nanos(took),
        };
        if dropped.is_timeout(self.threshold(&locked)) {
            drop(locked);
            let timed_out = Report::failure(FailureKind::Timeout);
            return self.settle(permit, timed_out, now, random);
        }
        let stale = permit.is_stale(self.word().epoch());
        if dropped.answered && !stale && matches!(permit.role, Role::Probe(_)) {
            // The same result as when the lease of such a probe ends.
            drop(locked);
            return self.settle(permit, Report::SUCCESS, now, random);
        }
        Settlement {
            outcome: None,
            slow: false,
            stale,
            transition: None,
            freed: match permit.role {
                Role::Probe(probe) if !stale => locked.trial.free_slot(probe),
                _ => false,
            },
        }
    }

    /// Records that the response head of a permitted call arrived while its body continues. The latency is measured up
    /// to here, and a later drop is neutral.
    pub fn answered(&self, permit: &mut Permit, now: Instant) {
        permit.answer(now);
        if let Role::Probe(probe) = permit.role {
            let mut locked = self.lock();
            if self.word().epoch() == permit.tag.epoch() {
                locked.trial.answered(probe);
            }
        }
    }

    /// Whether a timeout of a permitted call was caused by the caller, and is ignored: its `deadline`, or the one that
    /// [its request declares](Permit::allow), left less time than calls usually take, or the caller was slow to send
    /// the `upload`, whose time was [subtracted](Permit::take_off).
    pub fn was_cut_short(
        &self,
        permit: &Permit,
        deadline: Option<Deadline>,
        upload: Option<&Upload>,
        now: Instant,
    ) -> bool {
        if deadline.is_none() && permit.allowed == u64::MAX && upload.is_none() {
            return false;
        }
        let threshold = self.threshold(&self.lock());
        permit.allowed < nanos(threshold)
            || was_cut_short(deadline, permit.granted, threshold)
            || was_kept_waiting(upload, permit.took(now), now, threshold)
    }

    /// The time that a call must have had for its timeout to count as a failure.
    fn threshold(&self, locked: &Locked) -> Duration {
        let told = locked.config.attempt_timeout;
        told.unwrap_or_else(|| self.typical_latency.threshold())
    }

    #[cold]
    fn settle_slowly(
        &self,
        permit: &Permit,
        report: Report,
        now: Instant,
        random: impl FnOnce() -> u64,
    ) -> Settlement {
        let at = self.origin.nanos_at(now);
        // Read before the epoch is compared: see `Successes::generation`.
        let generation = self.successes.generation();
        let took = permit.took(now);
        let slow = took > self.hot.slow_above.load(Ordering::Relaxed);
        if report.outcome == Outcome::Success
            && !slow
            && permit.role == Role::Call
            && self.word().epoch() == permit.tag.epoch()
        {
            self.row.end(permit.tag.epoch());
            self.successes.add(generation, at);
            if permit.is_exact() {
                self.typical_latency.learn(took);
            }
            self.remember_tick(generation, now, at);
            return IN_TIME;
        }
        let mut locked = self.lock();
        let outcome = match locked.attribute(report.outcome, took) {
            // The response head has arrived, and the outcome of the rest is neutral.
            Outcome::Ignored if permit.is_probe() && permit.is_answered() => Outcome::Success,
            outcome => outcome,
        };
        let word = self.word();
        let mut settlement = Settlement {
            outcome: Some(outcome),
            slow,
            stale: permit.is_stale(word.epoch()),
            transition: None,
            freed: false,
        };
        if settlement.stale {
            return settlement;
        }
        let step = match permit.role {
            Role::Passenger => None,
            Role::Probe(probe) => {
                settlement.freed = locked.trial.free_slot(probe);
                // A probe whose lease has ended was replaced, and is ignored.
                if !settlement.freed || outcome == Outcome::Ignored {
                    return settlement;
                }
                locked.trial.hear(outcome.is_failure() || slow);
                locked
                    .trial
                    .verdict(&locked.config, at)
                    .map(|verdict| match verdict {
                        Verdict::Failed => {
                            let hint = report.retry_after;
                            self.reopen(&mut locked, Cause::ProbesFailed, at, hint, random())
                        }
                        Verdict::Passed => self.recover(&mut locked, at),
                    })
            }
            Role::Call => {
                let cause = self.hear(&mut locked, outcome, slow, at);
                cause.map(|cause| self.reopen(&mut locked, cause, at, report.retry_after, random()))
            }
        };
        // Under isolation the circuit still changes state, but is reported as isolated throughout.
        settlement.transition = step.filter(|_| !word.is_isolated());
        settlement
    }

    /// Stores the current tick, in which calls are not slow and are recorded without arithmetic on instants.
    fn remember_tick(&self, generation: Generation, now: Instant, at: u64) {
        // Invalid once the tag of the circuit changes, which each transition and each new configuration does.
        let version = self.word().tag().version();
        let slow_above = self.hot.slow_above.load(Ordering::Relaxed);
        self.successes
            .remember(generation, version, slow_above, now, at);
    }

    /// Records an ordinary call. Returns the cause if it trips the circuit.
    fn hear(&self, locked: &mut Locked, outcome: Outcome, slow: bool, at: u64) -> Option<Cause> {
        let epoch = self.word().epoch();
        let failed = outcome.is_failure();
        let in_a_row = match outcome {
            Outcome::Ignored => return None,
            Outcome::Success => {
                self.row.end(epoch);
                0
            }
            Outcome::Failure(FailureKind::Overload) => 0,
            Outcome::Failure(_) => self.row.grow(epoch),
        };
        let mark = Mark { failed, slow };
        locked.history.record(&self.successes, at, mark);

        let config = &locked.config;
        if !failed && !slow {
            return None;
        }
        let evidence = Evidence {
            suffixes: locked.history.suffixes(&self.successes, at),
            window: config.window,
            minimum_calls: config.minimum_calls,
        };
        if config
            .consecutive_failures
            .is_some_and(|limit| in_a_row >= limit && evidence.is_outage(in_a_row))
        {
            return Some(Cause::ConsecutiveFailures);
        }
        let too_many_failures = config
            .failure_ratio
            .is_some_and(|limit| failed && evidence.exceeds(limit, |counts| counts.failures));
        let too_many_slow = config
            .slow_calls
            .is_some_and(|limit| slow && evidence.exceeds(limit.ratio, |counts| counts.slow));
        if too_many_failures {
            Some(Cause::FailureRatio)
        } else if too_many_slow {
            Some(Cause::SlowCallRatio)
        } else {
            None
        }
    }
}

impl Permit {
    fn had_all_of(&self, timeout: Option<Duration>, now: Instant) -> bool {
        timeout.is_some_and(|timeout| self.took(now) >= nanos(timeout))
    }
}

impl Locked {
    /// Ignores a timeout of a call that had less than the full attempt timeout.
    fn attribute(&self, outcome: Outcome, took: u64) -> Outcome {
        match self.config.attempt_timeout {
            Some(full)
                if outcome == Outcome::Failure(FailureKind::Timeout) && took < nanos(full) =>
            {
                Outcome::Ignored
            }
            _ => outcome,
        }
    }
}

/// The settlement of a call that succeeded in time.
const IN_TIME: Settlement = Settlement {
    outcome: Some(Outcome::Success),
    slow: false,
    stale: false,
    transition: None,
    freed: false,
};
