use buttress_core::{BoxError, Classified, Criticality, Plain, Report};
use buttress_http::{Classify, Until};
use http::{Extensions, HeaderMap, HeaderName};
use tower_layer::Layer;

use crate::side::{Caller, Client, FromFn, Server, Trust};
use crate::{ShedService, Shedder};

/// Puts a [`Shedder`] in front of a service.
///
/// All services made by layers of one shedder share its limit, however often `layer` is called. See the
/// [crate docs](crate).
#[derive(Debug, Clone)]
pub struct ShedLayer<P = Plain> {
    shedder: Shedder,
    side: P,
}

impl ShedLayer {
    /// For any service: a call lasts until its future is ready or dropped, went as its `Result` says, and matters as
    /// much as its task does.
    #[must_use]
    pub fn new(shedder: &Shedder) -> Self {
        Self::with_side(shedder, Plain)
    }

    /// Takes the outcome of a call from `classify`, which gets its `Result`.
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

    /// Reads the caller off the request.
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
    /// For a server of HTTP or gRPC: a call lasts until the head of its response is there, its outcome is that of the
    /// status and `grpc-status`, and its criticality that of `x-criticality`, as far as that is [trusted](Self::trust).
    ///
    /// What the answers say is read as a [server](buttress_http::HttpClassifier::server) does: one that blames the caller,
    /// such as 429, is no overload.
    #[must_use]
    pub fn server(shedder: &Shedder) -> Self {
        Self::with_side(shedder, Server::default())
    }

    /// The same as [`server`](Self::server). In front of a dependency, use [`client`](Self::client).
    #[must_use]
    pub fn http(shedder: &Shedder) -> Self {
        Self::server(shedder)
    }

    /// How long a call lasts: until the head of the response (the default), or until the end of its body. The latter
    /// counts the work that goes on after a head, and also the calls with slow readers: an event stream, or a socket
    /// that is not read, then holds a slot without bound.
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

    /// Which callers' criticality headers are trusted. By default, a header may only lower a request's criticality.
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.side.trust(trust);
        self
    }

    /// Trusts requests for which `is_known` returns true, whatever their header: those with the certificate of a known
    /// service in their extensions, or with a secret in their headers.
    #[must_use]
    pub fn trust_if(
        mut self,
        is_known: impl Fn(&HeaderMap, &Extensions) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.side.trust_if(is_known);
        self
    }

    /// How much a request matters that does not say so: `High` by default.
    #[must_use]
    pub fn criticality(mut self, otherwise: Criticality) -> Self {
        self.side.otherwise(otherwise);
        self
    }

    /// The header that names the tenant, where the shedder distinguishes [tenants](crate::ShedConfig::tenants). It must
    /// be one that callers cannot choose freely: one that an outer authentication layer has checked or written.
    #[must_use]
    pub fn tenant_header(mut self, header: HeaderName) -> Self {
        self.side.tenant_header(header);
        self
    }
}

impl ShedLayer<Client> {
    /// For a client of HTTP or gRPC: the same as for a server, but that a request matters as much as the task that makes
    /// it, and says so in `x-criticality`, unless it says something else already. What the answers say is read as a
    /// [client](buttress_http::HttpClassifier::client) does: 429 is overload of the dependency.
    #[must_use]
    pub fn client(shedder: &Shedder) -> Self {
        Self::with_side(shedder, Client::default())
    }

    /// How long a call lasts: until the head of the response (the default), or until the end of its body. The latter
    /// counts the work that goes on after a head, and also the calls with slow readers: an event stream, or a socket
    /// that is not read, then holds a slot without bound.
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
    /// Asks requests what a [side](crate::Side) of your own does.
    #[must_use]
    pub fn with_side(shedder: &Shedder, side: P) -> Self {
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
