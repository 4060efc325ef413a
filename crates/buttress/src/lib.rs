//! Tower layers that keep a service available while its dependencies and callers fail.
//!
//! Each layer wraps a [`Service`](tower_service::Service), on a server or in a client, and layers can be stacked:
//! with `ServiceBuilder`, on any hyper, axum or tonic service, and around a reqwest client.
//!
//! | pattern | feature | purpose |
//! |---|---|---|
//! | `breaker` | `breaker` | rejects calls to a dependency that fails or is slow, and lets it recover gradually |
//! | `bulkhead` | `bulkhead` | limits the calls in flight, and queues the others, briefly and in order |
//! | `chaos` | `chaos` | injects reproducible faults within bounds |
//! | `deadline` | `deadline` | passes the deadline of a request from service to service, and ends the request when it has passed |
//! | `problem` | `problem` | turns every error into an RFC 9457 problem, or a gRPC status |
//! | `retry` | `retry` | retries transient failures of requests that may be processed twice, within a budget |
//! | `shed` | `shed` | measures the capacity of a service, and under overload admits the most critical calls |
//! | [`http`] | | reads the outcome of a call from its response |
//! | [`metrics`] | | metrics and events |
//!
//! # A server
//!
//! ```
//! # #[cfg(all(feature = "breaker", feature = "problem"))]
//! # fn main() {
//! use buttress::prelude::*;
//!
//! let breaker = Breaker::new("orders", BreakerConfig::default());
//! let app: axum::Router = axum::Router::new()
//!     .route("/orders/{id}", axum::routing::get(|| async { "an order" }))
//!     .layer(
//!         tower::ServiceBuilder::new()
//!             .layer(ProblemLayer::default()) // turns every rejection into a problem; the error type is Infallible
//!             .layer(BreakerLayer::client(&breaker)),
//!     );
//! # let _ = app;
//! # }
//! # #[cfg(not(all(feature = "breaker", feature = "problem")))]
//! # fn main() {}
//! ```
//!
//! # A client
//!
//! ```no_run
//! # #[cfg(all(feature = "breaker", feature = "reqwest"))]
//! # async fn pay(request: http::Request<reqwest::Body>) -> Result<(), buttress::BoxError> {
//! use buttress::prelude::*;
//! use tower::ServiceExt;
//!
//! let breaker = Breaker::new("payments", BreakerConfig::default());
//! let payments = tower::ServiceBuilder::new()
//!     .layer(BreakerLayer::client(&breaker))
//!     .service(HttpClient::from(reqwest::Client::new())); // uses http::Request and http::Response
//!
//! match payments.clone().oneshot(request).await {
//!     Ok(response) => println!("{}", response.status()),
//!     Err(error) => match Rejection::find(&*error) {
//!         Some(rejection) => println!("rejected: {}, retry in {:?}", rejection.reason(), rejection.retry_after()),
//!         None => return Err(error),
//!     },
//! }
//! # Ok(())
//! # }
//! # fn main() {}
//! ```
//!
//! # Services other than HTTP
//!
//! See [`ServiceBuilderExt`].
//!
//! # Features
//!
//! One for each pattern, and `full` for all of them. `axum` gives problems an `IntoResponse`, `config` creates stacks
//! from a file (`Resilience`), `game-day` runs chaos experiments, also from a file, `reqwest` provides `HttpClient`,
//! `serde` serializes snapshots. With `axum`, `reqwest` and `tonic`, retries can repeat the request bodies of these
//! crates, and with `hyper` they recognize the errors of its client for requests that were never processed. `metrics`
//! and `tracing`, both on by default, enable the two kinds of signals. Features only add.

#![cfg_attr(docsrs, feature(doc_cfg))]

// The examples of README are tests too.
#[cfg(all(doctest, feature = "config", feature = "reqwest"))]
#[doc = include_str!("../../../README.md")]
mod readme {}
#[cfg(all(doctest, feature = "breaker", feature = "retry"))]
#[doc = include_str!("../README.md")]
mod readme_of_crate {}
#[cfg(any(doc, test))]
#[cfg(feature = "full")]
pub mod docs;

#[cfg(feature = "retry")]
mod direct;
#[cfg(feature = "reqwest")]
mod http_client;
#[cfg(feature = "reqwest")]
mod http_client_body;
pub mod prelude;
#[cfg(feature = "config")]
#[cfg_attr(docsrs, doc(cfg(feature = "config")))]
pub mod resilience;
mod service_builder_ext;
#[cfg(feature = "reqwest")]
mod to_reqwest;
#[cfg(all(feature = "problem", feature = "tonic"))]
mod to_status;

#[cfg(feature = "breaker")]
#[doc(inline)]
pub use buttress_breaker as breaker;
#[cfg(feature = "bulkhead")]
#[doc(inline)]
pub use buttress_bulkhead as bulkhead;
#[cfg(feature = "chaos")]
#[doc(inline)]
pub use buttress_chaos as chaos;
#[doc(inline)]
pub use buttress_core::{
    BoxError, ClassifiedError, ConfigError, Deadline, FailureKind, LayerKind, Mode, Name, Outcome,
    Ratio, Reason, Rejection, RejectionClass, Report, Scope, classify_error, classify_known_error,
};
#[cfg(feature = "deadline")]
#[doc(inline)]
pub use buttress_deadline as deadline;
#[cfg(feature = "game-day")]
#[doc(inline)]
pub use buttress_game_day as game_day;
#[doc(inline)]
pub use buttress_http as http;
#[doc(inline)]
pub use buttress_metrics as metrics;
#[cfg(feature = "problem")]
#[doc(inline)]
pub use buttress_problem as problem;
#[cfg(feature = "retry")]
#[doc(inline)]
pub use buttress_retry as retry;
#[cfg(feature = "shed")]
#[doc(inline)]
pub use buttress_shed as shed;
#[cfg(feature = "retry")]
#[cfg_attr(docsrs, doc(cfg(feature = "retry")))]
pub use direct::{Direct, DirectFuture};
#[cfg(feature = "reqwest")]
pub use http_client::{HttpClient, ResponseFuture as HttpClientFuture};
#[cfg(feature = "config")]
#[doc(no_inline)]
pub use resilience::Resilience;
pub use service_builder_ext::ServiceBuilderExt;
#[cfg(feature = "reqwest")]
pub use to_reqwest::to_reqwest;
#[cfg(all(feature = "problem", feature = "tonic"))]
pub use to_status::to_status;
