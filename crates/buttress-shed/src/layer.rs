use buttress_core::{BoxError, Classified, Criticality, Plain, Report};
use buttress_http::{Classify, Until};
use http::{Extensions, HeaderMap, HeaderName};
use tower_layer::Layer;

use crate::side::{Caller, Client, FromFn, Server, Trust};
use crate::{ShedService, Shedder};

/// Applies a [`Shedder`] to a service.
///
/// All services of all layers of one shedder share its limit, however often `layer` is called. See the [crate
/// docs](crate).
#[derive(Debug, Clone)]
pub struct ShedLayer<P = Plain> {
    shedder: Shedder,
    side: P,
}

impl ShedLayer {
    /// For any service: a call ends when its future is ready or dropped, its outcome is read from its `Result`, and
    /// its criticality is that of its task.
    #[must_use]
    pub fn new(shedder: &Shedder) -> Self {
        Self::with(shedder, Plain)
    }

    /// Reads the outcome of a call from its `Result`, by `classify`.
    #[must_use]
    pub fn classify<Res, F>(self, classify: F) -> ShedLayer<Classified<F>>
    where
        F: Fn(&Result<Res, BoxError>) -> Report + Clone,
    {
        ShedLayer {
            shedder: self.shedder,
            side: Classified::new(classify),
        }
    }

    /// Reads criticality and tenant from the request, by `caller`.
    #[must_use]
    pub fn caller<Req, F>(self, caller: F) -> ShedLayer<FromFn<F>>
    where
        F: Fn(&Req) -> Caller + Clone,
    {
        ShedLayer {
            shedder: self.shedder,
            side: FromFn(caller),
        }
    }
}

impl ShedLayer<Server> {
    /// For an HTTP or gRPC server: a call ends with the head of its response, its outcome is read from the status and
    /// `grpc-status`, and its criticality from `x-criticality`, as far as that is [trusted](Self::trust).
    ///
    /// Responses are classified as those of a [server](buttress_http::HttpClassifier::server): one that blames the
    /// caller, such as 429, is not overload.
    #[must_use]
    pub fn server(shedder: &Shedder) -> Self {
        Self::with(shedder, Server::default())
    }

    /// Sets when a call ends: at the head of the response (the default), or at the end of its body. The latter
    /// includes the work after the head, but also calls with slow readers: an event stream, or a socket that is not
    /// read, then holds a slot without limit.
    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.side.until(until);
        self
    }

    /// Replaces the classifier.
    #[must_use]
    pub fn classify(mut self, classifier: impl Classify + 'static) -> Self {
        self.side.classify(classifier);
        self
    }

    /// Sets which callers' criticality headers are trusted. By default, a header may only lower a request's
    /// criticality.
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.side.trust(trust);
        self
    }

    /// Trusts requests for which `is_known` returns true, whatever their header: for example, those with the
    /// certificate of a known service in their extensions, or with a secret in their headers.
    #[must_use]
    pub fn trust_if(
        mut self,
        is_known: impl Fn(&HeaderMap, &Extensions) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.side.trust_if(is_known);
        self
    }

    /// Sets the criticality of requests without the header. The default is `High`.
    #[must_use]
    pub fn criticality(mut self, otherwise: Criticality) -> Self {
        self.side.otherwise(otherwise);
        self
    }

    /// Sets the header with the tenant's name, if the shedder distinguishes [tenants](crate::ShedConfig::tenants).
    /// Callers must not be able to choose it freely: an outer authentication layer must have checked or written it.
    #[must_use]
    pub fn tenant_header(mut self, header: HeaderName) -> Self {
        self.side.tenant_header(header);
        self
    }
}

impl ShedLayer<Client> {
    /// For an HTTP or gRPC client: like a server, but the criticality of a request is that of its task, and is
    /// written to `x-criticality`, unless the request has the header already. Responses are classified as those of a
    /// [client](buttress_http::HttpClassifier::client): 429 is overload of the dependency.
    #[must_use]
    pub fn client(shedder: &Shedder) -> Self {
        Self::with(shedder, Client::default())
    }

    /// Sets when a call ends: at the head of the response (the default), or at the end of its body. The latter
    /// includes the work after the head, but also calls with slow readers: an event stream, or a socket that is not
    /// read, then holds a slot without limit.
    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.side.until(until);
        self
    }

    /// Replaces the classifier.
    #[must_use]
    pub fn classify(mut self, classifier: impl Classify + 'static) -> Self {
        self.side.classify(classifier);
        self
    }
}

impl<P> ShedLayer<P> {
    /// Reads requests with a custom [side](crate::Side).
    #[must_use]
    pub fn with(shedder: &Shedder, side: P) -> Self {
        Self {
            shedder: shedder.clone(),
            side,
        }
    }

    pub(crate) fn parts(&self) -> (&Shedder, &P) {
        (&self.shedder, &self.side)
    }
}

impl<S, P: Clone> Layer<S> for ShedLayer<P> {
    type Service = ShedService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        ShedService::new(inner, self.shedder.clone(), self.side.clone())
    }
}
