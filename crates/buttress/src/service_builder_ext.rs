use tower::ServiceBuilder;
#[allow(
    unused_imports,
    reason = "without the feature of any pattern there are no methods"
)]
use tower::layer::util::Stack;

/// Adds Buttress's layers as methods of [`ServiceBuilder`].
///
/// ```
/// # #[cfg(all(feature = "breaker", feature = "bulkhead"))]
/// # fn main() {
/// use buttress::prelude::*;
/// use tower::ServiceBuilder;
///
/// let breaker = Breaker::new("database", BreakerConfig::default());
/// let bulkhead = Bulkhead::new("database", BulkheadConfig::default());
/// let service = ServiceBuilder::new()
///     .breaker(&breaker)
///     .bulkhead(&bulkhead)
///     .service_fn(|query: &'static str| async move { Ok::<_, std::io::Error>(query.len()) });
/// # let _ = service;
/// # }
/// # #[cfg(not(all(feature = "breaker", feature = "bulkhead")))]
/// # fn main() {}
/// ```
pub trait ServiceBuilderExt<L>: sealed::Sealed + Sized {
    /// Adds a breaker that reads the outcome of a call from its `Result`. See
    /// [`BreakerLayer::new`](crate::breaker::BreakerLayer::new).
    #[cfg(feature = "breaker")]
    #[must_use]
    fn breaker(
        self,
        breaker: &crate::breaker::Breaker,
    ) -> ServiceBuilder<Stack<crate::breaker::BreakerLayer, L>>;

    /// Adds a breaker that reads the outcome of a call from its HTTP or gRPC response. See
    /// [`BreakerLayer::http`](crate::breaker::BreakerLayer::http).
    #[cfg(feature = "breaker")]
    #[must_use]
    fn http_breaker(
        self,
        breaker: &crate::breaker::Breaker,
    ) -> ServiceBuilder<Stack<crate::breaker::BreakerLayer<crate::http::Http>, L>>;

    /// Adds a bulkhead that holds a slot until the call's future is ready or dropped. See
    /// [`BulkheadLayer::new`](crate::bulkhead::BulkheadLayer::new).
    #[cfg(feature = "bulkhead")]
    #[must_use]
    fn bulkhead(
        self,
        bulkhead: &crate::bulkhead::Bulkhead,
    ) -> ServiceBuilder<Stack<crate::bulkhead::BulkheadLayer, L>>;

    /// Adds a bulkhead that holds a slot until the response's body ends. See
    /// [`BulkheadLayer::http`](crate::bulkhead::BulkheadLayer::http).
    #[cfg(feature = "bulkhead")]
    #[must_use]
    fn http_bulkhead(
        self,
        bulkhead: &crate::bulkhead::Bulkhead,
    ) -> ServiceBuilder<Stack<crate::bulkhead::BulkheadLayer<crate::http::Http>, L>>;

    /// Adds fault injection. See [`ChaosLayer::new`](crate::chaos::ChaosLayer::new).
    #[cfg(feature = "chaos")]
    #[must_use]
    fn chaos(
        self,
        injector: &crate::chaos::Injector,
    ) -> ServiceBuilder<Stack<crate::chaos::ChaosLayer, L>>;

    /// Adds fault injection for HTTP and gRPC. See [`ChaosLayer::http`](crate::chaos::ChaosLayer::http).
    #[cfg(feature = "chaos")]
    #[must_use]
    fn http_chaos(
        self,
        injector: &crate::chaos::Injector,
    ) -> ServiceBuilder<Stack<crate::chaos::ChaosLayer<crate::chaos::HttpCalls>, L>>;

    /// Ends calls at the deadline of their task or after the configured timeout. See
    /// [`DeadlineLayer::new`](crate::deadline::DeadlineLayer::new).
    #[cfg(feature = "deadline")]
    #[must_use]
    fn deadline(
        self,
        config: crate::deadline::DeadlineConfig,
    ) -> ServiceBuilder<Stack<crate::deadline::DeadlineLayer, L>>;

    /// Reads deadlines from incoming HTTP requests, and enforces them. See
    /// [`DeadlineLayer::server`](crate::deadline::DeadlineLayer::server).
    #[cfg(feature = "deadline")]
    #[must_use]
    fn server_deadline(
        self,
        config: crate::deadline::DeadlineConfig,
    ) -> ServiceBuilder<Stack<crate::deadline::DeadlineLayer<crate::deadline::Server>, L>>;

    /// Writes deadlines to outgoing HTTP requests, and enforces them. See
    /// [`DeadlineLayer::client_with`](crate::deadline::DeadlineLayer::client_with).
    #[cfg(feature = "deadline")]
    #[must_use]
    fn client_deadline(
        self,
        config: crate::deadline::ClientDeadlineConfig,
    ) -> ServiceBuilder<Stack<crate::deadline::DeadlineLayer<crate::deadline::Client>, L>>;

    /// Turns every error of the inner layers into a problem response. See
    /// [`ProblemLayer`](crate::problem::ProblemLayer).
    #[cfg(feature = "problem")]
    #[must_use]
    fn problems(self) -> ServiceBuilder<Stack<crate::problem::ProblemLayer, L>>;

    /// Adds a hedge that clones requests. See [`HedgeLayer::new`](crate::retry::HedgeLayer::new).
    #[cfg(feature = "retry")]
    #[must_use]
    fn hedge(
        self,
        hedge: &crate::retry::Hedge,
    ) -> ServiceBuilder<Stack<crate::retry::HedgeLayer, L>>;

    /// Adds a hedge for HTTP and gRPC requests. See [`HedgeLayer::http`](crate::retry::HedgeLayer::http).
    #[cfg(feature = "retry")]
    #[must_use]
    fn http_hedge(
        self,
        hedge: &crate::retry::Hedge,
    ) -> ServiceBuilder<Stack<crate::retry::HedgeLayer<crate::retry::HttpRetry>, L>>;

    /// Adds a retry that clones requests and reads the outcome of an attempt from its `Result`. See
    /// [`RetryLayer::new`](crate::retry::RetryLayer::new).
    #[cfg(feature = "retry")]
    #[must_use]
    fn retries(
        self,
        retry: &crate::retry::Retry,
    ) -> ServiceBuilder<Stack<crate::retry::RetryLayer, L>>;

    /// Adds a retry for HTTP and gRPC requests. See [`RetryLayer::http`](crate::retry::RetryLayer::http).
    #[cfg(feature = "retry")]
    #[must_use]
    fn http_retries(
        self,
        retry: &crate::retry::Retry,
    ) -> ServiceBuilder<Stack<crate::retry::RetryLayer<crate::retry::HttpRetry>, L>>;

    /// Adds a shedder that reads the outcome of a call from its `Result`. See
    /// [`ShedLayer::new`](crate::shed::ShedLayer::new).
    #[cfg(feature = "shed")]
    #[must_use]
    fn shed(
        self,
        shedder: &crate::shed::Shedder,
    ) -> ServiceBuilder<Stack<crate::shed::ShedLayer, L>>;

    /// Adds a shedder for incoming HTTP requests. See [`ShedLayer::http`](crate::shed::ShedLayer::http).
    #[cfg(feature = "shed")]
    #[must_use]
    fn http_shed(
        self,
        shedder: &crate::shed::Shedder,
    ) -> ServiceBuilder<Stack<crate::shed::ShedLayer<crate::shed::Server>, L>>;

    /// Adds a shedder for outgoing HTTP requests. See [`ShedLayer::client`](crate::shed::ShedLayer::client).
    #[cfg(feature = "shed")]
    #[must_use]
    fn client_shed(
        self,
        shedder: &crate::shed::Shedder,
    ) -> ServiceBuilder<Stack<crate::shed::ShedLayer<crate::shed::Client>, L>>;
}

impl<L> ServiceBuilderExt<L> for ServiceBuilder<L> {
    #[cfg(feature = "breaker")]
    fn breaker(
        self,
        breaker: &crate::breaker::Breaker,
    ) -> ServiceBuilder<Stack<crate::breaker::BreakerLayer, L>> {
        self.layer(crate::breaker::BreakerLayer::new(breaker))
    }

    #[cfg(feature = "breaker")]
    fn http_breaker(
        self,
        breaker: &crate::breaker::Breaker,
    ) -> ServiceBuilder<Stack<crate::breaker::BreakerLayer<crate::http::Http>, L>> {
        self.layer(crate::breaker::BreakerLayer::http(breaker))
    }

    #[cfg(feature = "bulkhead")]
    fn bulkhead(
        self,
        bulkhead: &crate::bulkhead::Bulkhead,
    ) -> ServiceBuilder<Stack<crate::bulkhead::BulkheadLayer, L>> {
        self.layer(crate::bulkhead::BulkheadLayer::new(bulkhead))
    }

    #[cfg(feature = "bulkhead")]
    fn http_bulkhead(
        self,
        bulkhead: &crate::bulkhead::Bulkhead,
    ) -> ServiceBuilder<Stack<crate::bulkhead::BulkheadLayer<crate::http::Http>, L>> {
        self.layer(crate::bulkhead::BulkheadLayer::http(bulkhead))
    }

    #[cfg(feature = "chaos")]
    fn chaos(
        self,
        injector: &crate::chaos::Injector,
    ) -> ServiceBuilder<Stack<crate::chaos::ChaosLayer, L>> {
        self.layer(crate::chaos::ChaosLayer::new(injector))
    }

    #[cfg(feature = "chaos")]
    fn http_chaos(
        self,
        injector: &crate::chaos::Injector,
    ) -> ServiceBuilder<Stack<crate::chaos::ChaosLayer<crate::chaos::HttpCalls>, L>> {
        self.layer(crate::chaos::ChaosLayer::http(injector))
    }

    #[cfg(feature = "deadline")]
    fn deadline(
        self,
        config: crate::deadline::DeadlineConfig,
    ) -> ServiceBuilder<Stack<crate::deadline::DeadlineLayer, L>> {
        self.layer(crate::deadline::DeadlineLayer::new(config))
    }

    #[cfg(feature = "deadline")]
    fn server_deadline(
        self,
        config: crate::deadline::DeadlineConfig,
    ) -> ServiceBuilder<Stack<crate::deadline::DeadlineLayer<crate::deadline::Server>, L>> {
        self.layer(crate::deadline::DeadlineLayer::server(config))
    }

    #[cfg(feature = "deadline")]
    fn client_deadline(
        self,
        config: crate::deadline::ClientDeadlineConfig,
    ) -> ServiceBuilder<Stack<crate::deadline::DeadlineLayer<crate::deadline::Client>, L>> {
        self.layer(crate::deadline::DeadlineLayer::client_with(config))
    }

    #[cfg(feature = "problem")]
    fn problems(self) -> ServiceBuilder<Stack<crate::problem::ProblemLayer, L>> {
        self.layer(crate::problem::ProblemLayer::new())
    }

    #[cfg(feature = "retry")]
    fn hedge(
        self,
        hedge: &crate::retry::Hedge,
    ) -> ServiceBuilder<Stack<crate::retry::HedgeLayer, L>> {
        self.layer(crate::retry::HedgeLayer::new(hedge))
    }

    #[cfg(feature = "retry")]
    fn http_hedge(
        self,
        hedge: &crate::retry::Hedge,
    ) -> ServiceBuilder<Stack<crate::retry::HedgeLayer<crate::retry::HttpRetry>, L>> {
        self.layer(crate::retry::HedgeLayer::http(hedge))
    }

    #[cfg(feature = "retry")]
    fn retries(
        self,
        retry: &crate::retry::Retry,
    ) -> ServiceBuilder<Stack<crate::retry::RetryLayer, L>> {
        self.layer(crate::retry::RetryLayer::new(retry))
    }

    #[cfg(feature = "retry")]
    fn http_retries(
        self,
        retry: &crate::retry::Retry,
    ) -> ServiceBuilder<Stack<crate::retry::RetryLayer<crate::retry::HttpRetry>, L>> {
        self.layer(crate::retry::RetryLayer::http(retry))
    }

    #[cfg(feature = "shed")]
    fn shed(
        self,
        shedder: &crate::shed::Shedder,
    ) -> ServiceBuilder<Stack<crate::shed::ShedLayer, L>> {
        self.layer(crate::shed::ShedLayer::new(shedder))
    }

    #[cfg(feature = "shed")]
    fn http_shed(
        self,
        shedder: &crate::shed::Shedder,
    ) -> ServiceBuilder<Stack<crate::shed::ShedLayer<crate::shed::Server>, L>> {
        self.layer(crate::shed::ShedLayer::http(shedder))
    }

    #[cfg(feature = "shed")]
    fn client_shed(
        self,
        shedder: &crate::shed::Shedder,
    ) -> ServiceBuilder<Stack<crate::shed::ShedLayer<crate::shed::Client>, L>> {
        self.layer(crate::shed::ShedLayer::client(shedder))
    }
}

mod sealed {
    #[expect(
        unnameable_types,
        reason = "a sealed trait: a type that cannot be named cannot be implemented"
    )]
    pub trait Sealed {}

    impl<L> Sealed for tower::ServiceBuilder<L> {}
}
