//! Retries for Tower services: a failed call is made again, if that is safe and can succeed.
//!
//! # When to use it
//!
//! In a client, against transient faults: a broken connection, a restarting instance, a short overload. Do not use it
//! against permanent failures, nor in every tier of a system without a [`RetryMark`] on the servers, because attempts
//! multiply. Do not use it without a deadline, because retries extend a call.
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
//! For HTTP and gRPC, customised:
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
//!         .budget(BudgetConfig::default().ratio(0.1).floor_ratio(0.01)),
//! );
//! let layer = RetryLayer::client(&payments).classify(
//!     RetryClassifier::default().statuses([StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE]),
//! );
//! # let _ = layer;
//! println!("{:?}", payments.shared_budget().snapshot());
//! ```
//!
//! # What is retried
//!
//! | an attempt ends with | retried |
//! |---|---|
//! | a connection that could not be opened, a refused stream, a [`Rejection`](buttress_core::Rejection) by this instance | yes; the first of a call at once, and without being counted |
//! | any other [transient failure](buttress_http::RetryClassifier) | if the request [may be processed twice](buttress_http::safety_of) |
//! | a listed gRPC code, in a response without messages | unless the request is marked as not idempotent |
//! | any other failure, an inner circuit that is open, a success | no |
//!
//! A retry may be stopped for these reasons, in this order. The [`StopReason`] is in the extensions of the last
//! response, or in the sources of the last error, as [`RetryStopped`]:
//!
//! * the dependency forbids it;
//! * the request may not be processed twice, or its body cannot be sent twice: it is kept up to a
//!   [limit](RetryConfig::replay_limit), lazily, and not at all if its size hint exceeds the limit;
//! * the maximum number of attempts is reached;
//! * the dependency requests a longer wait than [allowed](RetryConfig::max_retry_after). A shorter wait, in
//!   `Retry-After` or `grpc-retry-pushback-ms`, is a minimum;
//! * the deadline, of the request's extensions or headers, or of the task: a wait does not start if it leaves too
//!   little time for the next attempt. Headers with the remaining time are reduced in each attempt;
//! * the [budget](RetryBudget). It is reserved before the wait, and returned if the call is dropped before the
//!   attempt starts;
//! * the readiness of the service, for which an attempt after the first waits: until the deadline, and at most for the
//!   [timeout of an attempt](RetryConfig::attempt_timeout). The attempt itself then has its whole timeout. Without
//!   either, the wait has no end. At its end, the call ends with the last error. If the last attempt had a response, which
//!   was dropped before the wait, the call ends with a [`Rejection`](buttress_core::Rejection) instead.
//!
//! A failed response is dropped, with its body, before the wait. Each attempt after the first has its number in
//! `x-attempt`, and in gRPC the number of previous attempts in `grpc-previous-rpc-attempts`.
//!
//! Successes deposit into the budget. If calls deposited instead, at a ratio `r`, retries could sustain an overload:
//! the service would not recover while the load exceeds `1/(1 + r)` of the capacity; see [`buttress_core::budget`].
//!
//! # Hedges
//!
//! A [`Hedge`] does not wait for a failure: it makes a second attempt at the slowest calls, and returns the first
//! response. It has the same protocols as a retry, and may share its budget. If the two attempts may have caused a
//! conflict themselves, it waits for both, and a failure that a retry can repeat is returned rather than the conflict;
//! see [`HedgeFuture`].
//!
//! # Bodies
//!
//! Over HTTP, a request's body must be [replayable](buttress_http::Replay). Those of axum, reqwest and tonic are,
//! with the features of `buttress-http` of the same names. Wrap any other body in a
//! [`ReplayBody`](buttress_http::ReplayBody), in a `map_request` outside this layer. An empty body costs nothing. The
//! head of each request is copied, because sending a request consumes its headers.
//!
//! # Differences from others
//!
//! From `tower::retry`: nothing needs to be `Clone` over HTTP; policy, backoff and budget are included, and the
//! budget deposits by its ratio. From `tower-resilience-retry`: `Retry-After` and deadlines are respected, an open
//! circuit is not retried, and a cancelled call does not use up the budget. From reqwest's own retries: there is a
//! backoff. From Envoy, Finagle and gRPC: the last response is returned with the reason why there is no further
//! attempt, and a retry that would not end in time is not started.
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
//! Inside a deadline, which all attempts share. Outside a breaker, so that each attempt is counted and an open
//! circuit stops the retries. Outside a bulkhead and a load balancer, so that each attempt takes its own slot and may
//! reach another instance.

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
