use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use buttress_core::chaos::{Answer, ArmedPlan, BodyFault};
use buttress_core::{
    BoxError, ClassifiedError, FailureKind, Guard, Outcome, Reason, Rejection, Report,
};
use buttress_shell::now;

use crate::shared::{Harm, Place, Shared};
use crate::wait::Wait;

/// The part of an armed injector in one call: it injects a fault, or only records the result.
#[expect(
    unnameable_types,
    reason = "only sealed traits have it in their methods"
)]
pub struct Injection {
    shared: Arc<Shared>,
    arming: Arc<ArmedPlan>,
    began: Instant,
    /// The time for the guard, once that is known.
    latency: Option<Duration>,
    /// What it waits for: the end of a delay, or of the plan.
    wait: Option<Wait>,
    answer: Option<Answer>,
    body: Option<BodyFault>,
    place: Option<Place>,
    told: Option<String>,
    is_concluded: bool,
}

/// What comes next.
pub(crate) enum Next {
    /// The caller is answered with this.
    Answer(Answer),
    /// The inner service is polled.
    Go,
}

impl Injection {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        arming: Arc<ArmedPlan>,
        harm: Option<Harm>,
        now: Instant,
    ) -> Self {
        let mut meddling = Self {
            shared: Arc::clone(shared),
            began: now,
            latency: None,
            wait: None,
            answer: None,
            body: None,
            place: None,
            told: None,
            is_concluded: false,
            arming,
        };
        let Some(harm) = harm else {
            return meddling;
        };
        // Not beyond the end of the plan, even if no further call comes that would end it.
        let left = meddling.arming.expires().saturating_duration_since(now);
        meddling.wait = match (&harm.answer, harm.delay) {
            (Some(Answer::Hang), _) => Wait::hanging(shared, left),
            (_, Some(delay)) => Wait::lasting(shared, delay.min(left)),
            (_, None) => None,
        };
        meddling.answer = harm.answer;
        meddling.body = harm.body;
        meddling.place = Some(harm.place);
        meddling.told = shared.config.fault_header.then_some(harm.told);
        meddling
    }

    /// Waits as long as the call has to, and returns what comes after.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        if let Some(wait) = &mut self.wait {
            ready!(wait.poll(cx));
            self.wait = None;
        }
        Poll::Ready(self.answer.take().map_or(Next::Go, Next::Answer))
    }

    /// Tells the guard how the call ended, and lets go of the body what is to be done to it.
    pub(crate) fn conclude(&mut self, failed: bool) {
        self.is_concluded = true;
        let now = now();
        let latency = self
            .latency
            .unwrap_or_else(|| now.saturating_duration_since(self.began));
        self.arming.observe(failed, latency, now);
        // The call that breaches the steady state ends it, without waiting for the next call.
        self.shared.look(&self.arming, now);
    }

    /// Whether the result of the call is recorded.
    pub(crate) fn is_guarded(&self) -> bool {
        self.arming.guard().is_some()
    }

    /// The head has come and nothing more will be done to the call: only the end of its body remains to be recorded. The
    /// time was that of the head, for how long a body takes is up to its reader.
    pub(crate) fn listening(mut self) -> Self {
        self.latency = Some(now().saturating_duration_since(self.began));
        self.place = None;
        self
    }

    pub(crate) fn take_body(&mut self) -> Option<(BodyFault, Option<Place>)> {
        Some((self.body.take()?, self.place.take()))
    }

    /// What the response says was done to it.
    pub(crate) fn told(&self) -> Option<&str> {
        self.told.as_deref()
    }

    pub(crate) fn error(&self, kind: FailureKind) -> BoxError {
        injected(&self.shared, kind)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Guard for Injection {
    fn settle(&mut self, report: Report) {
        self.conclude(report.outcome.is_failure());
    }
}

/// The error of a fault: a rejection of Buttress, with the failure that it simulates attached.
pub(crate) fn injected(shared: &Shared, kind: FailureKind) -> BoxError {
    let rejection = Rejection::new(Reason::FaultInjected, shared.name.clone());
    ClassifiedError::new(Outcome::Failure(kind), rejection).into()
}

impl fmt::Debug for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injection")
            .field("answer", &self.answer)
            .field("body", &self.body)
            .field("waits", &self.wait.is_some())
            .finish_non_exhaustive()
    }
}

impl Drop for Injection {
    fn drop(&mut self) {
        // Its caller gave up. That is no outcome, unless the injected fault kept it waiting.
        if !self.is_concluded && self.place.is_some() {
            self.conclude(true);
        }
    }
}
