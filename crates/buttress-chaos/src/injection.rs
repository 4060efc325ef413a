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

/// The injection into one call: injects a fault, or only records the result.
#[expect(
    unnameable_types,
    reason = "only sealed traits have it in their methods"
)]
pub struct Injection {
    shared: Arc<Shared>,
    arming: Arc<ArmedPlan>,
    began: Instant,
    /// The latency for the guard, once it is known.
    latency: Option<Duration>,
    /// The end of a delay or of the plan, while the call waits for it.
    wait: Option<Wait>,
    answer: Option<Answer>,
    body: Option<BodyFault>,
    place: Option<Place>,
    fault_names: Option<String>,
    is_concluded: bool,
}

/// The next step of the call.
pub(crate) enum Next {
    /// Respond with this.
    Answer(Answer),
    /// Poll the inner service.
    Go,
}

impl Injection {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        arming: Arc<ArmedPlan>,
        harm: Option<Harm>,
        now: Instant,
    ) -> Self {
        let mut injection = Self {
            shared: Arc::clone(shared),
            began: now,
            latency: None,
            wait: None,
            answer: None,
            body: None,
            place: None,
            fault_names: None,
            is_concluded: false,
            arming,
        };
        let Some(harm) = harm else {
            return injection;
        };
        // At most to the end of the plan, even if no further call ends it.
        let left = injection.arming.expires().saturating_duration_since(now);
        injection.wait = match (&harm.answer, harm.delay) {
            (Some(Answer::Hang), _) => Wait::hanging(shared, left),
            (_, Some(delay)) => Wait::lasting(shared, delay.min(left)),
            (_, None) => None,
        };
        injection.answer = harm.answer;
        injection.body = harm.body;
        injection.place = Some(harm.place);
        injection.fault_names = shared.config.fault_header.then_some(harm.fault_names);
        injection
    }

    /// Waits for the delay or the hang, and returns the next step.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        if let Some(wait) = &mut self.wait {
            ready!(wait.poll(cx));
            self.wait = None;
        }
        Poll::Ready(self.answer.take().map_or(Next::Go, Next::Answer))
    }

    /// Reports the result of the call to the guard, and ends the injection.
    pub(crate) fn conclude(&mut self, failed: bool) {
        self.is_concluded = true;
        let now = now();
        let latency = self
            .latency
            .unwrap_or_else(|| now.saturating_duration_since(self.began));
        self.arming.observe(failed, latency, now);
        // The call that breaks the steady state ends the plan, without waiting for the next call.
        self.shared.look(&self.arming, now);
    }

    /// Whether the result of the call is recorded.
    pub(crate) fn is_guarded(&self) -> bool {
        self.arming.guard().is_some()
    }

    /// Continues after the head without a fault, to record the end of the body. The latency is that of the head,
    /// because how long a body takes depends on its reader.
    pub(crate) fn recording(mut self) -> Self {
        self.latency = Some(now().saturating_duration_since(self.began));
        self.place = None;
        self
    }

    pub(crate) fn take_body(&mut self) -> Option<(BodyFault, Option<Place>)> {
        Some((self.body.take()?, self.place.take()))
    }

    /// The value of the fault header.
    pub(crate) fn fault_names(&self) -> Option<&str> {
        self.fault_names.as_deref()
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
        // The call was cancelled. That is no outcome, unless the injected fault delayed it.
        if !self.is_concluded && self.place.is_some() {
            self.conclude(true);
        }
    }
}
