//! Answers every error with a problem document (RFC 9457), so that `Error = Infallible`.
//!
//! Put [`ProblemLayer`] outermost, around the layers that may reject a call: a rejection, or any other error,
//! leaves the service as `application/problem+json` with the right status, `Retry-After` and `no-store`, and to
//! a gRPC call as a trailers-only response. What the error says inside goes to the log and not to the client.
//! axum then needs no `HandleErrorLayer`, tonic's clients see `UNAVAILABLE` and not a broken stream, and hyper
//! does not drop the connection.
//!
//! Leave it out around a client: there an error is worth more than a response made of it. To read the problems
//! that other services answer with, see [`ProblemError`].
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
//! let service = ProblemLayer::new().layer(refusing);
//!
//! let Ok(response) = service.oneshot(Request::new(())).await;
//! assert_eq!(response.status(), 503);
//! assert_eq!(response.headers()["content-type"], "application/problem+json");
//! # }
//! ```
//!
//! Customised: errors of other layers get problems of their own, clients are kept from coming back all at once,
//! and the request's id is read from another header.
//!
//! ```
//! use buttress_core::{Ratio, Rejection};
//! use buttress_problem::{Problem, ProblemConfig, ProblemLayer, Problems};
//! use http::{HeaderName, StatusCode};
//! use tower::timeout::error::Elapsed;
//!
//! let problems = Problems::new()
//!     .on(|_: &Elapsed| Problem::new(StatusCode::GATEWAY_TIMEOUT))
//!     .on(|rejection: &Rejection| {
//!         let reason = rejection.reason();
//!         Problem::from(rejection)
//!             .with_type(format!("https://example.com/problems/{}", reason.as_str()))
//!             .with_title(format!("The {reason}"))
//!     });
//!
//! let layer = ProblemLayer::with_config(
//!     ProblemConfig::default()
//!         .problems(problems)
//!         .retry_after_jitter(Ratio::percent(20))
//!         .request_id_header(HeaderName::from_static("x-correlation-id")),
//! );
//! # let _ = layer;
//! ```
//!
//! # What the client receives
//!
//! An error is looked up in [`Problems`]. A [`Rejection`](buttress_core::Rejection) has an entry for each reason, a
//! [`Problem`] that a service returns as its error is sent unchanged, and an unknown error is a status without a text.
//!
//! | member | of a rejection |
//! |---|---|
//! | `type` | `about:blank` |
//! | `title` | the phrase of the status |
//! | `status` | 503; 504 where the time of the call was over or too short, 429 where a tenant is over its share |
//! | `detail` | a sentence about the reason; the name of the layer is not in it |
//! | `reason` | [`Reason::as_str`](buttress_core::Reason::as_str) |
//! | `scope` | [`Scope::as_str`](buttress_core::Scope::as_str): whether another instance may help |
//! | `retryable` | whether the rejection is expected to pass by itself |
//! | `retry_after_ms` | when, if that is known |
//! | `request_id` | the id that came with the request |
//!
//! `Retry-After` says the same in whole seconds, rounded up, and `Cache-Control: no-store` keeps a cache from
//! serving a 429 or any 5xx after it has passed.
//!
//! The client's `Accept` chooses between JSON and a few lines of plain text; JSON is the default and wins a tie.
//! A `HEAD` request gets the headers alone. A request with a gRPC content type gets HTTP 200 with `grpc-status`
//! (the code nearest to the status, or that of [`Problem::with_grpc_code`]), `grpc-message`,
//! `grpc-retry-pushback-ms`, and in `grpc-status-details-bin` a `google.rpc.Status` with an `ErrorInfo` (domain
//! `buttress`, reason in upper case), a `RetryInfo` and a `RequestInfo`.
//!
//! # Differences from other crates
//!
//! - axum's `HandleErrorLayer` gives the error to a handler of yours, in axum alone. What the handler answers, to
//!   gRPC too, is for you to write.
//! - tower-http's layers that reject a request each answer with a status of their own and no document.
//! - `problem_details` and `http-api-problem` have the document. They have no layer that works with any body, and
//!   no gRPC.
//!
//! # Readiness
//!
//! An inner service that fails in `poll_ready` has failed permanently, by Tower's contract. Its error is kept, and
//! every call gets it as its response; the inner service is not polled again. A clone starts afresh.
//!
//! # Defaults
//!
//! | what | default |
//! |---|---|
//! | [`problems`](ProblemConfig::problems) | nothing registered |
//! | [`request_id_header`](ProblemConfig::request_id_header) | `x-request-id`; none is made up |
//! | [`instance`](ProblemConfig::instance) | off |
//! | [`retry_after_jitter`](ProblemConfig::retry_after_jitter) | 0 % |
//!
//! # Signals
//!
//! Counter `buttress_problem_responses_total` with `status` and `reason`, and events of the target
//! `buttress::problem`: ERROR where a call failed with a 5xx, DEBUG where it was rejected or the client is to
//! blame. The event carries the error's own text, the [internal](Problem::with_internal) one and the request's id.
//! See [`buttress_metrics`].
//!
//! # Ordering
//!
//! Outermost of the layers that can fail, and inside those that look at responses (tracing, compression, CORS),
//! which then see a rejection like any other response. A layer outside that sets the request's id lets it be
//! repeated here.
//!
//! # Features
//!
//! `axum`: a handler can answer with a [`Problem`] (`IntoResponse`). Without it, `http::Response::from(problem)`
//! does the same. Such an answer gets the id of its request, and the form that its client accepts, when it passes the
//! layer; headers that the handler added stay.

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
pub use received::ProblemError;
pub use registry::Problems;
pub use service::ProblemService;
