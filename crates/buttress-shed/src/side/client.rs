use std::time::Instant;

use buttress_core::{Criticality, Deadline, Identify, TaskContext, Upload};
use buttress_http::{CRITICALITY, Classify, Http, Until, write_criticality};
use http::Request;

use super::{Side, TenantName};

/// Outgoing HTTP requests: the criticality is that of the task, and is written to the request.
#[derive(Debug, Clone)]
pub struct Client {
    protocol: Http,
}

/// A call ends with its head: see the [crate docs](crate#what-it-does).
impl Default for Client {
    fn default() -> Self {
        Self {
            protocol: Http::default().until(Until::Headers),
        }
    }
}

impl Client {
    pub(crate) fn until(&mut self, until: Until) {
        self.protocol = std::mem::take(&mut self.protocol).until(until);
    }

    pub(crate) fn classify(&mut self, classifier: impl Classify + 'static) {
        self.protocol = std::mem::take(&mut self.protocol).classify(classifier);
    }
}

impl<B> Side<Request<B>> for Client {
    type Protocol = Http;

    #[inline]
    fn protocol(&self) -> &Http {
        &self.protocol
    }

    /// The caller's header takes precedence over the task. If there was no header, `tell` has written the task's
    /// criticality.
    fn criticality(&self, request: &Request<B>) -> Criticality {
        let written = buttress_http::criticality_of(request.headers());
        written.and_then(Result::ok).unwrap_or_default()
    }

    fn deadline(&self, request: &Request<B>) -> Option<Deadline> {
        let requested = Identify::deadline(&self.protocol, request);
        Deadline::earlier(Deadline::current(), requested)
    }

    fn caller_deadline(&self, request: &Request<B>, now: Instant) -> Option<Deadline> {
        Identify::caller_deadline(&self.protocol, request, now)
    }

    fn upload(&self, request: &Request<B>, now: Instant) -> Option<Upload> {
        Identify::upload(&self.protocol, request, now)
    }

    fn identity(&self, request: &Request<B>) -> Option<u64> {
        Identify::identity(&self.protocol, request)
    }

    fn tenant<'a>(&self, _: &'a Request<B>) -> Option<TenantName<'a>> {
        None
    }

    #[inline]
    fn context(&self, _: &Request<B>) -> Option<TaskContext> {
        None
    }

    #[inline]
    fn tell(&self, request: &mut Request<B>) {
        let known =
            Criticality::current().or_else(|| Identify::criticality(&self.protocol, request));
        if let Some(criticality) = known
            && !request.headers().contains_key(CRITICALITY)
        {
            write_criticality(request.headers_mut(), criticality);
        }
    }
}
