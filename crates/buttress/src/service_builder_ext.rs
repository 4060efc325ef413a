#[cfg(feature = "breaker")]
use buttress_breaker::{Breaker, BreakerLayer};
#[cfg(feature = "bulkhead")]
use buttress_bulkhead::{Bulkhead, BulkheadLayer};
#[cfg(feature = "chaos")]
use buttress_chaos::{ChaosLayer, HttpCalls, Injector};
#[cfg(feature = "deadline")]
use buttress_deadline::{self as deadline, ClientDeadlineConfig, DeadlineLayer, Deadlines};
#[cfg(any(feature = "breaker", feature = "bulkhead"))]
use buttress_http::Http;
#[cfg(feature = "problem")]
use buttress_problem::{ProblemLayer, Problems};
#[cfg(feature = "retry")]
use buttress_retry::{Hedge, HedgeLayer, HttpRetry, Retry, RetryLayer};
#[cfg(feature = "shed")]
use buttress_shed::{self as shed, ShedLayer, Shedder};
use tower::ServiceBuilder;
#[allow(
    unused_imports,
    reason = "without the feature of any pattern there are no methods"
)]
use tower::layer::util::Stack;

/// Declares the methods, each of which adds the layer that its body returns.
macro_rules! methods {
    (
        $($(#[doc = $doc:literal])+ #[cfg($feature:meta)] fn $method:ident($($name:ident: $of:ty)?) -> $layer:ty $body:block)+
    ) => {
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
            $(
                $(#[doc = $doc])+
                #[cfg($feature)]
                #[must_use]
                fn $method(self $(, $name: $of)?) -> ServiceBuilder<Stack<$layer, L>>;
            )+
        }

        impl<L> ServiceBuilderExt<L> for ServiceBuilder<L> {
            $(
                #[cfg($feature)]
                fn $method(self $(, $name: $of)?) -> ServiceBuilder<Stack<$layer, L>> {
                    self.layer($body)
                }
            )+
        }
    };
}

methods! {
    /// Adds a breaker that reads the outcome of a call from its `Result`. See [`BreakerLayer::new`].
    #[cfg(feature = "breaker")]
    fn breaker(breaker: &Breaker) -> BreakerLayer {
        BreakerLayer::new(breaker)
    }

    /// Adds a breaker that reads the outcome of a call from its HTTP or gRPC response. See [`BreakerLayer::client`].
    #[cfg(feature = "breaker")]
    fn client_breaker(breaker: &Breaker) -> BreakerLayer<Http> {
        BreakerLayer::client(breaker)
    }

    /// Adds a bulkhead that holds a slot until the call's future is ready or dropped. See [`BulkheadLayer::new`].
    #[cfg(feature = "bulkhead")]
    fn bulkhead(bulkhead: &Bulkhead) -> BulkheadLayer {
        BulkheadLayer::new(bulkhead)
    }

    /// Adds a bulkhead that holds a slot until the response's body ends. See [`BulkheadLayer::server`].
    #[cfg(feature = "bulkhead")]
    fn server_bulkhead(bulkhead: &Bulkhead) -> BulkheadLayer<Http> {
        BulkheadLayer::server(bulkhead)
    }

    /// Adds a bulkhead in front of a dependency. See [`BulkheadLayer::client`].
    #[cfg(feature = "bulkhead")]
    fn client_bulkhead(bulkhead: &Bulkhead) -> BulkheadLayer<Http> {
        BulkheadLayer::client(bulkhead)
    }

    /// Adds fault injection. See [`ChaosLayer::new`].
    #[cfg(feature = "chaos")]
    fn chaos(injector: &Injector) -> ChaosLayer {
        ChaosLayer::new(injector)
    }

    /// Adds fault injection for an HTTP or gRPC server. See [`ChaosLayer::server`].
    #[cfg(feature = "chaos")]
    fn server_chaos(injector: &Injector) -> ChaosLayer<HttpCalls> {
        ChaosLayer::server(injector)
    }

    /// Adds fault injection for an HTTP or gRPC client. See [`ChaosLayer::client`].
    #[cfg(feature = "chaos")]
    fn client_chaos(injector: &Injector) -> ChaosLayer<HttpCalls> {
        ChaosLayer::client(injector)
    }

    /// Ends calls at the deadline of their task or after the configured timeout. See [`DeadlineLayer::new`].
    #[cfg(feature = "deadline")]
    fn deadline(deadlines: &Deadlines) -> DeadlineLayer {
        DeadlineLayer::new(deadlines)
    }

    /// Reads deadlines from incoming HTTP requests, and enforces them. See [`DeadlineLayer::server`].
    #[cfg(feature = "deadline")]
    fn server_deadline(deadlines: &Deadlines) -> DeadlineLayer<deadline::Server> {
        DeadlineLayer::server(deadlines)
    }

    /// Writes deadlines to outgoing HTTP requests, and enforces them. See [`DeadlineLayer::client`].
    #[cfg(feature = "deadline")]
    fn client_deadline(deadlines: &Deadlines<ClientDeadlineConfig>) -> DeadlineLayer<deadline::Client> {
        DeadlineLayer::client(deadlines)
    }

    /// Turns every error of the inner layers into a problem response. See [`ProblemLayer`].
    #[cfg(feature = "problem")]
    fn problems(problems: &Problems) -> ProblemLayer {
        ProblemLayer::new(problems)
    }

    /// Adds a hedge that clones requests. See [`HedgeLayer::new`].
    #[cfg(feature = "retry")]
    fn hedge(hedge: &Hedge) -> HedgeLayer {
        HedgeLayer::new(hedge)
    }

    /// Adds a hedge for HTTP and gRPC requests. See [`HedgeLayer::client`].
    #[cfg(feature = "retry")]
    fn client_hedge(hedge: &Hedge) -> HedgeLayer<HttpRetry> {
        HedgeLayer::client(hedge)
    }

    /// Adds a retry that clones requests and reads the outcome of an attempt from its `Result`. See
    /// [`RetryLayer::new`].
    #[cfg(feature = "retry")]
    fn retries(retry: &Retry) -> RetryLayer {
        RetryLayer::new(retry)
    }

    /// Adds a retry for HTTP and gRPC requests. See [`RetryLayer::client`].
    #[cfg(feature = "retry")]
    fn client_retries(retry: &Retry) -> RetryLayer<HttpRetry> {
        RetryLayer::client(retry)
    }

    /// Adds a shedder that reads the outcome of a call from its `Result`. See [`ShedLayer::new`].
    #[cfg(feature = "shed")]
    fn shed(shedder: &Shedder) -> ShedLayer {
        ShedLayer::new(shedder)
    }

    /// Adds a shedder for incoming HTTP requests. See [`ShedLayer::server`].
    #[cfg(feature = "shed")]
    fn server_shed(shedder: &Shedder) -> ShedLayer<shed::Server> {
        ShedLayer::server(shedder)
    }

    /// Adds a shedder for outgoing HTTP requests. See [`ShedLayer::client`].
    #[cfg(feature = "shed")]
    fn client_shed(shedder: &Shedder) -> ShedLayer<shed::Client> {
        ShedLayer::client(shedder)
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
