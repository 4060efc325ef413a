use std::borrow::Cow;

use buttress_core::{BoxError, Classified, Plain, Report, WhenSaturated};
use buttress_http::{Classify, Http, Until};
use tower_layer::Layer;

use crate::keyed::{ByKey, KeyedBreakerLayer};
use crate::{Breaker, BreakerService, Breakers};

/// Applies a [`Breaker`] to a service.
///
/// All services of all layers of one breaker share its state, however often `layer` is called. See the [crate
/// docs](crate).
#[derive(Debug, Clone)]
pub struct BreakerLayer<P = Plain> {
    breaker: Breaker,
    protocol: P,
    when_saturated: WhenSaturated,
}

impl BreakerLayer {
    /// Reads the outcome of a call from its `Result`, by [`classify_error`](buttress_core::classify_error).
    #[must_use]
    pub fn new(breaker: &Breaker) -> Self {
        Self::with(breaker, Plain)
    }

    /// Reads the outcome of a call from its `Result`, by `classify`.
    ///
    /// Inner layers also return errors. [`classify_known_error`](buttress_core::classify_known_error) ignores their
    /// rejections, so that a full bulkhead does not open the circuit:
    ///
    /// ```
    /// use buttress_breaker::{Breaker, BreakerConfig, BreakerLayer};
    /// use buttress_core::{BoxError, FailureKind, Report, classify_known_error};
    ///
    /// let breaker = Breaker::new("search", BreakerConfig::default());
    /// let layer = BreakerLayer::new(&breaker).classify(|result: &Result<String, BoxError>| match result {
    ///     // The index returns this error while it is built.
    ///     Ok(page) if page.is_empty() => Report::failure(FailureKind::Error),
    ///     Ok(_) => Report::SUCCESS,
    ///     Err(error) => classify_known_error(&**error).unwrap_or(Report::failure(FailureKind::Error)),
    /// });
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn classify<Res, F>(self, classify: F) -> BreakerLayer<Classified<F>>
    where
        F: Fn(&Result<Res, BoxError>) -> Report + Clone,
    {
        BreakerLayer {
            breaker: self.breaker,
            protocol: Classified::new(classify),
            when_saturated: self.when_saturated,
        }
    }
}

impl BreakerLayer<Http> {
    /// Reads the outcome of a call from the status, `grpc-status`, trailers and body of its response, as a
    /// [client](buttress_http::HttpClassifier::client) does. The call ends with the body.
    #[must_use]
    pub fn client(breaker: &Breaker) -> Self {
        Self::with(breaker, Http::client())
    }

    /// The same in front of a handler of a server, with the classifier of a
    /// [server](buttress_http::HttpClassifier::server): a response that blames the caller, such as 429, is no failure.
    #[must_use]
    pub fn server(breaker: &Breaker) -> Self {
        Self::with(breaker, Http::server())
    }

    /// Sets when a call ends: at the end of the body (the default), or at the head of the response.
    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.protocol = self.protocol.until(until);
        self
    }

    /// Replaces the classifier.
    #[must_use]
    pub fn classify(mut self, classifier: impl Classify + 'static) -> Self {
        self.protocol = self.protocol.classify(classifier);
        self
    }
}

impl BreakerLayer {
    /// Applies a breaker for each key. `key` returns the key of a request: its host, its route, its tenant.
    ///
    /// ```
    /// use buttress_breaker::{BreakerLayer, Breakers, BreakersConfig};
    ///
    /// let hosts = Breakers::new("upstreams", BreakersConfig::default());
    /// let layer = BreakerLayer::keyed(&hosts, |request: &http::Request<String>| {
    ///     request.uri().host().unwrap_or_default().into()
    /// })
    /// .client();
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn keyed<Req, F>(breakers: &Breakers, key: F) -> KeyedBreakerLayer<ByKey<F>>
    where
        F: Fn(&Req) -> Cow<'_, str>,
    {
        KeyedBreakerLayer::new(breakers, key)
    }
}

impl<P> BreakerLayer<P> {
    /// Reads the outcome of a call with a custom protocol.
    #[must_use]
    pub fn with(breaker: &Breaker, protocol: P) -> Self {
        Self {
            breaker: breaker.clone(),
            protocol,
            when_saturated: WhenSaturated::default(),
        }
    }

    pub(crate) fn protocol(&self) -> &P {
        &self.protocol
    }

    /// Sets what `poll_ready` returns while the circuit does not admit calls. The default is
    /// [`Reject`](WhenSaturated::Reject).
    ///
    /// With [`Unready`](WhenSaturated::Unready), a service that became ready while the circuit is half-open holds a
    /// probe slot until it is called or dropped, or until the slot's lease ends. While the circuit is recovering, and
    /// outside a runtime, which times the wait, this is the same as [`Reject`](WhenSaturated::Reject). The runtime
    /// must have timers enabled: otherwise it panics, as any tokio sleep does.
    #[must_use]
    pub fn when_saturated(mut self, when_saturated: WhenSaturated) -> Self {
        self.when_saturated = when_saturated;
        self
    }
}

impl<S, P: Clone> Layer<S> for BreakerLayer<P> {
    type Service = BreakerService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        BreakerService::new(
            inner,
            self.breaker.clone(),
            self.protocol.clone(),
            self.when_saturated,
        )
    }
}
