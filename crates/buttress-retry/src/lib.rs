//! Retries for Tower services: a failed call is tried again, where that may help and is safe.
//!
//! # When to use it
//!
//! In a client, against faults that pass: a connection that broke, an instance that restarts, a moment of too much
//! load. Not against what fails for a reason of its own, and not in each tier of a system without a
//! [`RetryMark`] on its servers, because attempts multiply. And not without a deadline: trying again takes the
//! time that it takes.
//!
//! # Example
//!
//! ```
//! use buttress_retry::{Retry, RetryConfig, RetryLayer};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), buttress_core::BoxError> {
//! use std::sync::atomic::{AtomicU32, Ordering};
//!
//! let calls = AtomicU32::new(0);
//! let retry = Retry::new("database", RetryConfig::default());
//! let service = ServiceBuilder::new()
//!     .layer(RetryLayer::new(&retry))
//!     .service_fn(|_query: &'static str| async {
//!         match calls.fetch_add(1, Ordering::Relaxed) {
//!             0 => Err(std::io::Error::other("restarting")),
//!             _ => Ok("a row"),
//!         }
//!     });
//!
//! assert_eq!(service.oneshot("select 1").await?, "a row");
//! assert_eq!(calls.into_inner(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! For HTTP and gRPC, with rules of its own:
//!
//! ```
//! use std::time::Duration;
//! use buttress_http::RetryClassifier;
//! use buttress_retry::{Backoff, BudgetConfig, Jitter, Retry, RetryConfig, RetryLayer};
//! use http::StatusCode;
//!
//! let payments = Retry::new(
//!     "payments",
//!     RetryConfig::default()
//!         .attempts(4)
//!         .backoff(Backoff::default().base(Duration::from_millis(20)).jitter(Jitter::Decorrelated))
//!         .attempt_timeout(Duration::from_millis(500))
//!         .budget(BudgetConfig::default().ratio(0.1).floor_per_second(5)),
//! );
//! let layer = RetryLayer::http(&payments).classify(
//!     RetryClassifier::default().statuses([StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE]),
//! );
//! # let _ = layer;
//! println!("{:?}", payments.shared_budget().snapshot());
//! ```
//!
//! # What is tried again
//!
//! | what an attempt ends with | another one |
//! |---|---|
//! | a connection that never came about, a refused stream, a [`Rejection`](buttress_core::Rejection) by this instance | yes; the first of a call at once, and without being counted |
//! | any other failure that [may pass](buttress_http::RetryClassifier) | if the request [may be processed twice](buttress_http::safety_of) |
//! | a gRPC code that is listed, with nothing before it | unless the request is marked as not idempotent |
//! | any other failure, an open circuit below, a success | no |
//!
//! What holds another attempt back, in this order, is the [`StopReason`] that the last response has in its
//! extensions and the last error in its chain, as [`RetryStopped`]:
//!
//! * the dependency says not to;
//! * the request may not be processed twice, or its body cannot be sent twice: it is kept up to a
//!   [limit](RetryConfig::replay_limit), lazily, and one that says to be longer is not kept at all;
//! * the attempts are spent;
//! * the dependency asks for a longer wait than is [waited](RetryConfig::max_retry_after). A shorter one, in
//!   `Retry-After` or `grpc-retry-pushback-ms`, is the floor of the wait;
//! * the deadline, of the request's extensions or headers, or of the task: no wait is begun that leaves too little
//!   time for the attempt after it. Headers that tell the server what remains tell less in each attempt;
//! * the [budget](RetryBudget). What it grants is reserved before the wait, and given back if the call is dropped
//!   before its attempt.
//!
//! A failed response is dropped, body and all, before anything is waited for. Each attempt after the first has its
//! number in `x-attempt`, and in gRPC the number of those before it in `grpc-previous-rpc-attempts`.
//!
//! A budget is paid into by successes. One that calls pay into, at a ratio `r`, keeps an overload up that it
//! should end: it never recovers while the load exceeds `1/(1 + r)` of the capacity; see
//! [`buttress_core::budget`].
//!
//! # Hedges
//!
//! A [`Hedge`] does not wait for a failure: it makes the slowest calls a second time and takes the answer that
//! comes first. It shares protocols with the retry, and may share its budget.
//!
//! # Bodies
//!
//! Over HTTP a request's body must be one that can be [sent again](buttress_http::Replay): those of axum, reqwest
//! and tonic are, with the features of `buttress-http` that have their names. Any other becomes one as a
//! [`ReplayBody`](buttress_http::ReplayBody), in a `map_request` above this layer. An empty body costs nothing, and
//! the head of a request is copied for every call: headers are gone once a request is sent.
//!
//! # Differences from others
//!
//! From `tower::retry`: nothing needs to be `Clone` over HTTP; policy, backoff and budget are included, and the budget
//! deposits by its ratio. From `tower-resilience-retry`: `Retry-After` and deadlines are obeyed, an open circuit is not
//! retried, and a caller that leaves does not use up the budget. From reqwest's own retries: there is a backoff. From
//! Envoy, Finagle and gRPC: the last response is returned with the reason why there is no further attempt, and a retry
//! that would not end in time is not started.
//!
//! # Defaults
//!
//! See [`RetryConfig`], [`BudgetConfig`], [`Backoff`] and [`RetryClassifier`](buttress_http::RetryClassifier).
//!
//! # Signals
//!
//! `buttress_retry_attempts_total`, `…_retries_total`, `…_stops_total`, `…_would_retry_total` and the gauge
//! `buttress_retry_budget_balance`, and for hedges `buttress_retry_hedges_total`, with the label `layer`, the name of the
//! retry, the budget or the hedge. Retries and stops are events at `DEBUG`.
//!
//! # Ordering
//!
//! Inside of a deadline, which all attempts share. Outside of a breaker, so that each attempt is counted and an
//! open circuit ends the retrying, and outside of a bulkhead and of a load balancer, so that each attempt takes a
//! place of its own and may go elsewhere.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod budget;
mod call;
mod config;
mod future;
mod hedge;
mod http;
mod layer;
mod mark;
mod repeat;
mod retry;
mod service;
mod settings;
mod shared;
mod stopped;
mod usual;

pub use budget::RetryBudget;
pub use buttress_core::budget::{BudgetConfig, BudgetSnapshot, Cost};
pub use buttress_core::retry::StopReason;
pub use buttress_core::{Backoff, Jitter};
pub use config::RetryConfig;
pub use future::ResponseFuture;
pub use hedge::{Hedge, HedgeConfig, HedgeFuture, HedgeLayer, HedgeService};
pub use http::{ATTEMPT, HttpRetry, PREVIOUS_ATTEMPTS, SavedRequest};
pub use layer::RetryLayer;
pub use mark::{RetryMark, RetryMarkFuture, RetryMarkService};
pub use repeat::{Attempt, Judge, Repeat};
pub use retry::Retry;
pub use service::RetryService;
pub use shared::CallGuard;
pub use stopped::RetryStopped;
