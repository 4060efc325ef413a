//! Turns every error into a problem document (RFC 9457), so that `Error = Infallible`.
//!
//! Place [`ProblemLayer`] outermost, around the layers that may reject a call: a rejection, or any other error,
//! becomes an `application/problem+json` response with the right status, `Retry-After` and `no-store`, and for a gRPC
//! call a response with trailers only. The text of the error is logged and not sent to the client. axum then needs no
//! `HandleErrorLayer`, tonic's clients receive `UNAVAILABLE` and not a broken stream, and hyper does not close the
//! connection.
//!
//! Do not use it around a client: there an error is more useful than a response. To read the problems of other
//! services, see [`ProblemError`].
//!
//! # Example
//!
//! ```
//! use buttress_core::{BoxError, Reason, Rejection};
//! use buttress_problem::ProblemLayer;
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//!
//! let refusing = service_fn(async |_: Request<()>| {
//!     Err::<Response<Full<Bytes>>, BoxError>(Rejection::new(Reason::CircuitOpen, "payments").into())
//! });
//! let service = ProblemLayer::default().layer(refusing);
//!
//! let Ok(response) = service.oneshot(Request::new(())).await;
//! assert_eq!(response.status(), 503);
//! assert_eq!(response.headers()["content-type"], "application/problem+json");
//! # }
//! ```
//!
//! Customised: errors of other layers have their own problems, clients do not retry at the same time, and the
//! request's id is read from another header.
//!
//! ```
//! use buttress_core::{Ratio, Rejection};
//! use buttress_problem::{Problem, ProblemConfig, ProblemLayer, Problems};
//! use http::{HeaderName, StatusCode};
//! use tower::timeout::error::Elapsed;
//!
//! let config = ProblemConfig::default()
//!     .on(|_: &Elapsed| Problem::new(StatusCode::GATEWAY_TIMEOUT))
//!     .on(|rejection: &Rejection| {
//!         let reason = rejection.reason();
//!         Problem::from(rejection)
//!             .with_type(format!("https://example.com/problems/{}", reason.as_str()))
//!             .with_title(format!("The {reason}"))
//!     })
//!     .retry_after_jitter(Ratio::percent(20))
//!     .request_id_header(HeaderName::from_static("x-correlation-id"));
//! let problems = Problems::new(config.clone());
//! let layer = ProblemLayer::new(&problems);
//! # let _ = layer;
//!
//! // Later, from any task:
//! problems.reconfigure(config.retry_after_jitter(Ratio::percent(50)));
//! ```
//!
//! # What the client receives
//!
//! An error is looked up in [`Problems`]. A [`Rejection`](buttress_core::Rejection) has an entry for each reason, a
//! [`Problem`] that a service returns as its error is sent unchanged, and an unknown error is a status without a
//! text.
//!
//! | member | of a rejection |
//! |---|---|
//! | `type` | `about:blank` |
//! | `title` | the phrase of the status |
//! | `status` | 503; 504 if the call's deadline has passed or is too near, 429 if a tenant exceeds its share |
//! | `detail` | a sentence about the reason, without the name of the layer |
//! | `reason` | [`Reason::as_str`](buttress_core::Reason::as_str) |
//! | `scope` | [`Scope::as_str`](buttress_core::Scope::as_str): whether another instance may accept the request |
//! | `retryable` | whether the rejection is expected to be temporary |
//! | `retry_after_ms` | the wait before a retry, if it is known |
//! | `request_id` | the id of the request |
//!
//! `Retry-After` has the same wait in whole seconds, rounded up, and `Cache-Control: no-store` prevents caches from
//! storing a 429 or any 5xx.
//!
//! The client's `Accept` chooses between JSON and a few lines of plain text; JSON is the default and wins a tie. The
//! response to a `HEAD` request has the headers only. A request with a gRPC content type gets HTTP 200 with
//! `grpc-status` (the code nearest to the status, or that of [`Problem::with_grpc_code`]), `grpc-message`,
//! `grpc-retry-pushback-ms`, and in `grpc-status-details-bin` a `google.rpc.Status` with an `ErrorInfo` (domain
//! `buttress`, reason in upper case), a `RetryInfo` and a `RequestInfo`.
//!
//! # Differences from other crates
//!
//! - axum's `HandleErrorLayer` passes the error to a handler of yours, in axum only. You write the handler's
//!   responses, also for gRPC.
//! - tower-http's layers that reject a request each respond with their own status and no document.
//! - `problem_details` and `http-api-problem` have the document, but no layer for any body, and no gRPC.
//!
//! # Readiness
//!
//! By Tower's contract, an inner service that fails in `poll_ready` has failed permanently. The error is kept and
//! returned as the response to every call, and the inner service is not polled again. A clone polls its own inner
//! service.
//!
//! # Defaults
//!
//! | what | default |
//! |---|---|
//! | [`on`](ProblemConfig::on) | nothing registered |
//! | [`request_id_header`](ProblemConfig::request_id_header) | `x-request-id`; none is created |
//! | [`instance`](ProblemConfig::instance) | off |
//! | [`retry_after_jitter`](ProblemConfig::retry_after_jitter) | 0 % |
//!
//! # Signals
//!
//! The counter `buttress_problem_responses_total` with `status` and `reason`, and events of the target
//! `buttress::problem`: at `ERROR` if a call failed with a 5xx, at `DEBUG` if it was rejected or the client caused
//! the error. The event has the error's text, the [internal](Problem::with_internal) text and the request's id. See
//! [`buttress_metrics`].
//!
//! # Ordering
//!
//! Outermost of the layers that can fail, and inside those that read responses (tracing, compression, CORS), for
//! which a rejection is then a response like any other. If a layer sets the request's id, place it outside, so that
//! the response can repeat the id.
//!
//! # Features
//!
//! `axum`: a handler can return a [`Problem`] (`IntoResponse`). Without the feature, use
//! `http::Response::from(problem)`. The layer adds the id of the request, and converts the problem to the format that
//! the client accepts; headers that the handler added are kept.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod asked;
#[cfg(feature = "axum")]
mod axum;
mod body;
mod config;
mod future;
mod grpc;
mod layer;
mod members;
mod negotiate;
mod parse;
mod problem;
mod problems;
mod reasons;
mod received;
mod registry;
mod render;
mod request_id;
mod responder;
mod service;

pub use body::ProblemBody;
pub use config::ProblemConfig;
pub use future::ResponseFuture;
pub use layer::ProblemLayer;
pub use problem::Problem;
pub use problems::Problems;
pub use received::ProblemError;
pub use service::ProblemService;
