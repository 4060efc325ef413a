use std::ops::ControlFlow;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use buttress_core::retry::{
    CallTerms, Classification, Decision, Progress, RetryClass, Safety, StopReason,
};
use buttress_core::{
    BoxError, Deadline, FailureKind, Outcome, Reason, Rejection, Striped, TaskContext, Upload,
};
use buttress_http::Fate;
use buttress_metrics::RetryEvent;
use buttress_shell::{Timer, now, random};
use tower_service::Service;

use crate::RetryStopped;
use crate::budget::BudgetReservation;
use crate::repeat::{Attempt, Judge, Repeat};
use crate::shared::{CallGuard, Shared};

/// A call, with everything needed to retry it.
pub(crate) struct Call<S, Req, P: Repeat<Req>> {
    /// `None` once the call has ended. It is settled in place, because moving the rest would cost more.
    guard: Option<CallGuard>,
    service: S,
    saved: Result<P::Saved, StopReason>,
    safety: Safety,
    /// The fate of the current attempt's request, if the request must not be processed twice.
    fate: Option<Fate>,
    /// Whether the mode allows retries. In shadow, retries are only counted.
    binds: bool,
    limit: Option<Limit>,
    /// When the current attempt times out, if attempts have a timeout.
    due: Option<Instant>,
    /// Boxed, because it is needed only after a failed attempt.
    again: Option<Box<Again<Req>>>,
}

/// Whether the mode applies to a call, and when its first attempt times out.
#[derive(Clone, Copy)]
pub(crate) struct Binding {
    pub(crate) binds: bool,
    pub(crate) due: Option<Instant>,
}

/// The deadline of a call, and what is needed to apply it.
struct Limit {
    deadline: Deadline,
    /// When the current attempt started.
    started: Instant,
    /// The upload of the request, if it is tracked.
    upload: Option<Upload>,
}

/// The state of a call with more than one attempt.
struct Again<Req> {
    /// When the first attempt started, if there is a deadline.
    began: Option<Instant>,
    /// The number of attempts so far.
    made: u32,
    progress: Progress,
    next: Option<Req>,
    payment: Option<BudgetReservation>,
    /// When the service must be ready for the next attempt, if attempts have a timeout.
    ready_by: Option<Instant>,
    /// The error of the last attempt. A response is dropped before the wait, because it may hold resources.
    last: Option<BoxError>,
}

impl<S, Req, P> Call<S, Req, P>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
    P: Repeat<Req> + Judge<S::Response>,
{
    /// Starts a call and returns the request of its first attempt.
    #[inline(always)]
    pub(crate) fn begin(
        shared: &Striped<Shared>,
        terms: Binding,
        service: S,
        request: Req,
        protocol: &P,
    ) -> (Req, Self) {
        let safety = protocol.safety(&request);
        let deadline = Deadline::earlier(Deadline::current(), protocol.deadline(&request));
        let limit = deadline.map(|deadline| {
            let started = now();
            Limit {
                deadline,
                started,
                upload: protocol.upload(&request, started),
            }
        });
        let guard = CallGuard::begin(shared.lease());
        let settings = shared.settings();
        let (mut request, saved) = if settings.allows_retries() {
            protocol.keep(request, settings.replay_limit())
        } else {
            // Nothing is kept of a request that is never retried.
            (request, Err(StopReason::AttemptsExhausted))
        };
        let fate = match safety {
            Safety::Unknown | Safety::Unsafe if saved.is_ok() => protocol.follow(&mut request),
            _ => None,
        };
        let call = Self {
            guard: Some(guard),
            service,
            saved,
            safety,
            fate,
            binds: terms.binds,
            limit,
            due: terms.due,
            again: None,
        };
        (request, call)
    }

    /// When the current attempt times out.
    #[inline]
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The error of an attempt that timed out.
    pub(crate) fn timed_out(&self) -> BoxError {
        Rejection::new(Reason::DeadlineExceeded, self.shared().name().clone()).into()
    }

    /// Ends the call with a success of its last attempt. The caller settles the returned guard.
    #[inline(always)]
    pub(crate) fn succeed(&mut self) -> &mut Option<CallGuard> {
        if let Some(guard) = &mut self.guard {
            guard.attempted(Outcome::Success);
            if let (Some(limit), Some(shared)) = (&self.limit, guard.shared()) {
                shared.usual().observe(limit.started, limit.upload.as_ref());
            }
        }
        self.end()
    }

    /// Ends the call. The caller settles the returned guard.
    #[inline(always)]
    pub(crate) fn end(&mut self) -> &mut Option<CallGuard> {
        if self.again.is_some() {
            // This also returns the last attempt's share in flight.
            self.again = None;
        }
        &mut self.guard
    }

    /// Handles a failed attempt: schedules the next attempt, or ends the call with the result.
    #[cold]
    pub(crate) fn fail(
        &mut self,
        result: Result<S::Response, BoxError>,
        verdict: Classification,
        protocol: &P,
    ) -> ControlFlow<Result<S::Response, BoxError>, Duration> {
        self.guard_mut().attempted(outcome_of(verdict.class));
        let (after, payment) = match self.decide(verdict, protocol) {
            Decision::Return => return ControlFlow::Break(result),
            Decision::Stop(reason) => {
                return ControlFlow::Break(self.stop(result, reason, protocol));
            }
            Decision::Retry { after, paid } => (after, paid),
        };
        let cause = verdict.class.kind().unwrap_or(FailureKind::Error);
        if !self.binds {
            let mut payment = payment;
            payment.begin();
            self.shared().signals().emit(RetryEvent::WouldRetry(cause));
            return ControlFlow::Break(result);
        }
        if let Err(reason) = self.prepare(payment, after, protocol) {
            return ControlFlow::Break(self.stop(result, reason, protocol));
        }
        let again = self.again();
        again.last = result.err();
        let attempt = again.made + 1;
        self.guard_mut().goes_on();
        self.shared().signals().emit(RetryEvent::Retrying {
            cause,
            attempt,
            after,
        });
        ControlFlow::Continue(after)
    }

    /// Starts the next attempt when the service is ready for it.
    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        protocol: &P,
    ) -> Poll<Result<S::Future, BoxError>> {
        if let Err(error) = ready!(self.service.poll_ready(cx)) {
            return Poll::Ready(Err(self.give_up(error.into(), None, protocol)));
        }
        let now = now();
        let terms = self.terms(now, protocol);
        let config = self.shared().settings().config();
        let again = self.again();
        if !config
            .rule
            .is_worth_it(Duration::ZERO, &again.progress, &terms)
        {
            // The service became ready too late for an attempt.
            return Poll::Ready(Err(self.not_ready(StopReason::DeadlineTooShort, protocol)));
        }
        again.last = None;
        again.ready_by = None;
        if let Some(payment) = &mut again.payment {
            payment.begin();
        }
        let mut request = again.next.take().expect("the next request was prepared");
        if let Some(began) = again.began {
            protocol.add_elapsed(&mut request, now.saturating_duration_since(began));
        }
        if let Some(limit) = &mut self.limit {
            limit.started = now;
            limit.upload = limit.upload.as_ref().map(|upload| upload.of_call(now));
        }
        self.fate = match self.safety {
            Safety::Idempotent => None,
            Safety::Unknown | Safety::Unsafe => protocol.follow(&mut request),
        };
        // If the mode does not apply, there is only one attempt.
        self.due = self.shared().settings().due(now);
        Poll::Ready(Ok(self.service.call(request)))
    }

    /// When the wait for a service that is not ready ends, and why: at the deadline, or after as long as an attempt may
    /// take.
    pub(crate) fn readiness_ends(&mut self) -> Option<(Instant, StopReason)> {
        let by = self.again().ready_by;
        let by = by.or_else(|| self.shared().settings().due(now()));
        self.again().ready_by = by;
        let deadline = self.limit.as_ref().map(|limit| limit.deadline.moment());
        match (deadline, by) {
            (Some(deadline), Some(by)) if by < deadline => Some((by, StopReason::NotReady)),
            (Some(deadline), _) => Some((deadline, StopReason::DeadlineTooShort)),
            (None, Some(by)) => Some((by, StopReason::NotReady)),
            (None, None) => None,
        }
    }

    /// Ends a call whose service was not ready in time for the next attempt.
    pub(crate) fn not_ready(&mut self, reason: StopReason, protocol: &P) -> BoxError {
        let last = self.again().last.take();
        let error = last.unwrap_or_else(|| match reason {
            StopReason::NotReady => self.timed_out(),
            _ => Rejection::new(Reason::DeadlineTooShort, self.shared().name().clone()).into(),
        });
        self.give_up(error, Some(reason), protocol)
    }

    fn decide(&mut self, verdict: Classification, protocol: &P) -> Decision<BudgetReservation> {
        let now = now();
        let terms = self.terms(now, protocol);
        let took = self
            .limit
            .as_ref()
            .map(|limit| now.saturating_duration_since(limit.started));
        let config = self.shared().settings().config();
        let budget = self.shared().budget().clone();
        let again = self.again();
        // The attempt has ended, and so does its share in flight.
        again.payment = None;
        again.made += 1;
        let progress = &mut again.progress;
        progress.longest = progress.longest.max(took.unwrap_or_default());
        config.rule.decide(verdict, progress, &terms, random, || {
            let kind = verdict.class.kind().unwrap_or(FailureKind::Error);
            budget.reserve(config.cost(kind))
        })
    }

    fn terms(&self, now: Instant, protocol: &P) -> CallTerms {
        CallTerms {
            safety: self.safety,
            unprocessed: self.fate.as_ref().is_some_and(Fate::is_refused),
            unrepeatable: match &self.saved {
                Ok(saved) => protocol.unrepeatable(saved),
                Err(reason) => Some(*reason),
            },
            remaining: self
                .limit
                .as_ref()
                .map(|limit| limit.deadline.remaining(now)),
            typical_latency: self.shared().usual().get(now),
        }
    }

    /// Prepares the next request before the failed result is dropped: if there is none, that result is returned.
    fn prepare(
        &mut self,
        payment: BudgetReservation,
        after: Duration,
        protocol: &P,
    ) -> Result<(), StopReason> {
        if !after.is_zero() && Timer::at(now()).is_none() {
            return Err(StopReason::NoTimer);
        }
        let saved = self.saved.as_ref().map_err(|reason| *reason)?;
        let made = self.again.as_ref().map_or(1, |again| again.made);
        let counted = self
            .again
            .as_ref()
            .map_or(0, |again| again.progress.attempts);
        let attempt = Attempt {
            number: made + 1,
            counted,
        };
        let next = protocol.replay(saved, attempt)?;
        let again = self.again();
        again.next = Some(next);
        again.payment = Some(payment);
        Ok(())
    }

    fn stop(
        &mut self,
        result: Result<S::Response, BoxError>,
        reason: StopReason,
        protocol: &P,
    ) -> Result<S::Response, BoxError> {
        let attempts = self.again().made;
        let signals = self.shared().signals();
        signals.emit(RetryEvent::Stopped { reason, attempts });
        let is_plain = matches!(reason, StopReason::NotRetryable | StopReason::Rejected);
        if !self.binds || (is_plain && attempts == 1) {
            return result;
        }
        if reason.spends_retries() {
            TaskContext::note_retries_spent();
        }
        protocol.stopped(result, RetryStopped::new(reason, attempts))
    }

    /// Ends a call whose next attempt could not be started.
    fn give_up(&mut self, error: BoxError, reason: Option<StopReason>, protocol: &P) -> BoxError {
        self.guard_mut().attempted(Outcome::Ignored);
        let Some(reason) = reason else {
            return error;
        };
        match self.stop(Err(error), reason, protocol) {
            Err(error) => error,
            Ok(_) => unreachable!("an error remains an error"),
        }
    }

    fn shared(&self) -> &Shared {
        let shared = self.guard.as_ref().and_then(CallGuard::shared);
        shared.expect("the call has not ended")
    }

    fn guard_mut(&mut self) -> &mut CallGuard {
        self.guard.as_mut().expect("the call has not ended")
    }

    fn again(&mut self) -> &mut Again<Req> {
        self.again.get_or_insert_with(|| {
            Box::new(Again {
                began: self.limit.as_ref().map(|limit| limit.started),
                made: 0,
                progress: Progress::default(),
                next: None,
                payment: None,
                ready_by: None,
                last: None,
            })
        })
    }
}

fn outcome_of(class: RetryClass) -> Outcome {
    match class {
        RetryClass::Final => Outcome::Success,
        RetryClass::Forbidden | RetryClass::Permanent => Outcome::Failure(FailureKind::Error),
        RetryClass::Rejected => Outcome::Ignored,
        RetryClass::Listed(kind) | RetryClass::Transient(kind) | RetryClass::Unprocessed(kind) => {
            Outcome::Failure(kind)
        }
    }
}
