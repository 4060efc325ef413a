//! Tower layers that keep a service answering while the things around it fail.
//!
//! Each layer is put in front of a [`Service`](tower_service::Service), on a server or in a client, and they are
//! made to be stacked: with `ServiceBuilder`, on any hyper, axum or tonic service, and around a reqwest client.
//!
//! | pattern | feature | what it is for |
//! |---|---|---|
//! | `breaker` | `breaker` | stops calls to a dependency that fails or slows down, and lets it recover gradually |
//! | `bulkhead` | `bulkhead` | limits the calls in flight, and lets the rest wait, briefly and in order |
//! | `chaos` | `chaos` | injects faults on purpose, which repeat and stay in bounds |
//! | `deadline` | `deadline` | lets every request know how long it has, from hop to hop, and ends it when that is over |
//! | `problem` | `problem` | turns every error into an RFC 9457 problem, or a gRPC status |
//! | `retry` | `retry` | tries again what may pass and may be done twice, within one exact budget |
//! | `shed` | `shed` | measures the capacity of a service, and under overload admits the most critical calls |
//! | [`http`] | | what a response says about how a call went |
//! | [`metrics`] | | everything that is counted and logged |
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
//!             .layer(ProblemLayer::new()) // every refusal becomes a problem; the error type becomes Infallible
//!             .layer(BreakerLayer::http(&breaker)),
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
//!     .layer(BreakerLayer::http(&breaker))
//!     .service(HttpClient::from(reqwest::Client::new())); // http::Request in, http::Response out
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
//! # Not HTTP at all
//!
//! See [`ServiceBuilderExt`].
//!
//! # Features
//!
//! One for each pattern, and `full` for all of them. `axum` gives problems an `IntoResponse`, `config` makes stacks
//! from a file (`Resilience`), `game-day` reads experiments from one, `reqwest` is the `HttpClient`, `serde` serializes
//! snapshots. `axum`, `reqwest` and `tonic` let retries send the request bodies of these hosts again, and `hyper` lets
//! them know which errors of its client tell that a request was never processed. `metrics`
//! and `tracing`, both on by default, turn the two halves of the signals on. Features only ever add.

#![cfg_attr(docsrs, feature(doc_cfg))]

// README's examples are tests too.
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
    BoxError, ClassifiedError, ConfigError, Deadline, FailureKind, Mode, Name, Outcome, Ratio,
    Reason, Rejection, Report, Scope, classify_error, classify_known_error,
};
#[cfg(feature = "deadline")]
#[doc(inline)]
pub use buttress_deadline as deadline;
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
