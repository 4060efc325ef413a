use std::sync::Arc;
use std::time::Instant;

use buttress_core::{Criticality, Deadline, Identify, TaskContext, Upload};
use buttress_http::{Classify, Http, Until, criticality_of};
use http::{Extensions, HeaderMap, HeaderName, Request};

use super::trust::Known;
use super::{Side, TenantName, Trust};

/// Incoming HTTP requests: the criticality is that of the [header](buttress_http::CRITICALITY), as far as it is
/// trusted.
#[derive(Debug, Clone)]
pub struct Server {
    protocol: Http,
    trust: Trust,
    known: Option<Known>,
    otherwise: Criticality,
    tenant: Option<HeaderName>,
}

/// A call ends with its head: see the [crate docs](crate#what-it-does).
impl Default for Server {
    fn default() -> Self {
        Self {
            protocol: Http::server().until(Until::Headers),
            trust: Trust::default(),
            known: None,
            otherwise: Criticality::default(),
            tenant: None,
        }
    }
}

impl Server {
    pub(crate) fn until(&mut self, until: Until) {
        self.protocol = std::mem::take(&mut self.protocol).until(until);
    }

    pub(crate) fn classify(&mut self, classifier: impl Classify + 'static) {
        self.protocol = std::mem::take(&mut self.protocol).classify(classifier);
    }

    pub(crate) fn trust(&mut self, trust: Trust) {
        self.trust = trust;
    }

    pub(crate) fn trust_if(
        &mut self,
        is_known: impl Fn(&HeaderMap, &Extensions) -> bool + Send + Sync + 'static,
    ) {
        self.known = Some(Known(Arc::new(is_known)));
    }

    pub(crate) fn otherwise(&mut self, criticality: Criticality) {
        self.otherwise = criticality;
    }

    pub(crate) fn tenant_header(&mut self, header: HeaderName) {
        self.tenant = Some(header);
    }

    /// Returns the trusted criticality of a request; `said` is `None` if its header is invalid.
    #[cold]
    fn believed<B>(&self, said: Option<Criticality>, request: &Request<B>) -> Criticality {
        let trust = match &self.known {
            Some(known) if (known.0)(request.headers(), request.extensions()) => Trust::Always,
            _ => self.trust,
        };
        trust.resolve(said, self.otherwise)
    }
}

impl<B> Side<Request<B>> for Server {
    type Protocol = Http;

    #[inline]
    fn protocol(&self) -> &Http {
        &self.protocol
    }

    fn criticality(&self, request: &Request<B>) -> Criticality {
        match criticality_of(request.headers()) {
            Some(said) => self.believed(said.ok(), request),
            None => self.otherwise,
        }
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

    fn tenant<'a>(&self, request: &'a Request<B>) -> Option<TenantName<'a>> {
        let name = request.headers().get(self.tenant.as_ref()?)?;
        Some(TenantName::Text(name.as_bytes()))
    }

    #[inline]
    fn context(&self, request: &Request<B>) -> Option<TaskContext> {
        let criticality = self.criticality(request);
        let known = match criticality_of(request.headers()) {
            // A trusted criticality is propagated even if it is our default, because other services may have another
            // default.
            Some(Ok(said)) if said == criticality => Criticality::current(),
            said => {
                // Counted here, because the context is read once for every call.
                if let Some(Err(malformed)) = said {
                    malformed.count();
                }
                Some(Criticality::current().unwrap_or_default())
            }
        };
        let criticality = Some(criticality);
        let context = || TaskContext::current().with_criticality(criticality);
        (criticality != known).then(context)
    }

    #[inline]
    fn tell(&self, _: &mut Request<B>) {}
}
