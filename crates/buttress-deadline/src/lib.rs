//! Deadlines that are passed from service to service.
//!
//! # When to use it
//!
//! On every server and every client, as the outermost layer inside the one that turns errors into responses. With
//! independent timeouts, services do work that no caller waits for: after the caller's timeout, the services it
//! called continue. Here a server reads the caller's remaining time and ends the call when it has passed, and the
//! clients in its handlers send the remaining time to the services they call. For streams without an end, the
//! deadline can cover only the head: see [`until`](DeadlineConfig::until).
//!
//! # Example
//!
//! A server and, in its handler, a client. The deadline is passed on without an argument:
//!
//! ```
//! use std::convert::Infallible;
//! use std::time::Duration;
//! use buttress_deadline::{Deadline, DeadlineConfig, DeadlineLayer, Deadlines};
//! use http::{Request, Response};
//! # use http_body_util::Empty;
//! # type Body = Empty<&'static [u8]>;
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), buttress_core::BoxError> {
//! let upstream = ServiceBuilder::new()
//!     .layer(DeadlineLayer::client(&Deadlines::default()))
//!     .service_fn(|request: Request<Body>| async move {
//!         // 5 ms are subtracted for the network.
//!         assert_eq!(request.headers()["x-envoy-expected-rq-timeout-ms"], "1990");
//!         Ok::<_, Infallible>(Response::new(Body::new()))
//!     });
//!
//! let api = Deadlines::new("api", DeadlineConfig::default().timeout(Duration::from_secs(2)));
//! let server = ServiceBuilder::new()
//!     .layer(DeadlineLayer::server(&api))
//!     .service_fn(move |_: Request<Body>| {
//!         let upstream = upstream.clone();
//!         async move {
//!             tokio::time::sleep(Duration::from_millis(5)).await;
//!             assert!(Deadline::current().is_some());
//!             upstream.oneshot(Request::new(Body::new())).await
//!         }
//!     });
//! server.oneshot(Request::new(Body::new())).await?;
//! # Ok(())
//! # }
//! ```
//!
//! With bounds, and with a timeout for each part of a response; and around a service that is not HTTP:
//!
//! ```
//! use std::time::Duration;
//! use buttress_core::{Reason, Rejection};
//! use buttress_deadline::{DeadlineConfig, DeadlineHeader, DeadlineHeaders, DeadlineLayer, Deadlines};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), buttress_core::ConfigError> {
//! let api = Deadlines::try_new(
//!     "api",
//!     DeadlineConfig::default()
//!         .timeout(Duration::from_secs(2))
//!         .maximum(Duration::from_secs(30))
//!         .minimum(Duration::from_millis(10))
//!         .trusted_headers(DeadlineHeaders::RELATIVE.with(DeadlineHeader::XDeadline))
//!         .head_timeout(Duration::from_secs(1))
//!         .body_idle(Duration::from_secs(5)),
//! )?;
//! let layer = DeadlineLayer::server(&api);
//! # let _ = layer;
//!
//! // Later, from any task:
//! api.reconfigure(api.config().maximum(Duration::from_secs(10)))?; // calls in flight keep their deadlines
//!
//! let second = Duration::from_secs(1);
//! let queries = Deadlines::new("database", DeadlineConfig::default().timeout(second));
//! let database = ServiceBuilder::new()
//!     .layer(DeadlineLayer::new(&queries))
//!     .service_fn(|_query: &'static str| async move {
//!         tokio::time::sleep(60 * second).await;
//!         Ok::<_, std::io::Error>("a row")
//!     });
//! let error = database.oneshot("select 1").await.unwrap_err();
//! let rejection = Rejection::find(&*error).expect("the deadline has passed");
//! assert_eq!(rejection.reason(), Reason::DeadlineExceeded);
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//!
//! The earliest deadline is used, so no service has more time than its caller.
//!
//! | | [`server`](DeadlineLayer::server) | [`client`](DeadlineLayer::client) | [`new`](DeadlineLayer::new) |
//! |---|---|---|---|
//! | uses the earliest of | headers, the request's extension, the task, a timeout | the request's extension and headers, the task, a timeout | the task, a timeout |
//! | subtracts | an offset, from the caller's deadline | a margin, from the deadline that it sends | |
//! | rejects before the inner service is called | calls that have expired or have too little time | the same | the same |
//! | passes the deadline to | the task, an extension of the request | the task, a header and an extension of the request | the task |
//! | at the deadline | drops the inner call, or the body, polled or not | the same | drops the inner call when polled |
//!
//! A rejection is a [`Rejection`](buttress_core::Rejection) with `DeadlineExpired` or `DeadlineTooShort`; a call that
//! is ended fails with one with `DeadlineExceeded`. An outer `ProblemLayer` turns them into 504, and for gRPC into
//! `DEADLINE_EXCEEDED`. A late gRPC body ends with trailers of that code, and a late HTTP body with an error, which
//! aborts the response visibly for its reader. The inner future is polled before the timer, so a response that
//! becomes ready at the deadline is returned.
//!
//! A body is dropped at its deadline even if its reader does not poll it: a server stops polling when its client does
//! not read from the connection, and the body would hold its resources (a slot of a bulkhead, a connection to a
//! dependency) for as long as the client stays connected. The connection itself stays open until the client reads or
//! disconnects. For this, the bodies of servers and clients must be `Send`; they are dropped by the thread that runs
//! the timers.
//!
//! The task has the deadline through [`Deadline::current`], at every poll of the inner service and of its bodies. A
//! spawned task does not: use [`carry`].
//!
//! The headers are those of [`buttress_http::deadline`], relative ones by default. A malformed header is ignored and
//! counted. A client writes a new header for each call. Outside a retry it writes the header of the first attempt,
//! and [`age_deadline`](buttress_http::deadline::age_deadline) corrects it for the others.
//!
//! The wait for a service that is not ready happens in `poll_ready`, before the request is known, so only the task's
//! deadline applies to it. In [`Mode::Enforce`](buttress_core::Mode::Enforce) the wait ends at that deadline, and
//! after the timeout (or the maximum, without a timeout) from the first `Pending`. This layer then returns ready, and
//! rejects the call with `DeadlineExceeded`. So an outer load balancer sees a service that is not ready for as long
//! as a call may take, and then one that fails. The deadline in a header is known when the call is made, and starts
//! then. To end the wait at the caller's deadline, put a `Buffer` between this layer and the service: then the call
//! waits, and not `poll_ready`.
//!
//! A timer is created if a call with a deadline is pending after its first poll, and if its response has a body;
//! never without a deadline. A body with a deadline also needs two allocations. Without timers, a late call or body
//! ends when it is next polled.
//!
//! # Differences from others
//!
//! tower's `Timeout` does not read the caller's deadline, does not cover the body, and creates a timer for every
//! call. tower-http's `TimeoutLayer` responds with 408 itself and ends with the head; its `DeadlineBody` has a
//! separate clock. tonic reads `grpc-timeout`, responds with `CANCELLED` at the deadline, stops at the head of a
//! stream, and does not pass the deadline on. Envoy passes an expected timeout on, and does not combine it with the
//! incoming one. Finagle sends moments, which need synchronized clocks.
//!
//! A tonic `Channel` reads the `grpc-timeout` that this layer writes, and fails with `tonic::TimeoutExpired` when it
//! has passed, a margin before this layer. An error of the inner service is passed through: to map it to
//! `DEADLINE_EXCEEDED`, register it with the `ProblemConfig` of the `ProblemLayer`.
//!
//! # Defaults
//!
//! See [`DeadlineConfig`] and [`ClientDeadlineConfig`].
//!
//! # Signals
//!
//! `buttress_deadline_rejections_total`, `…_exceeded_total` by the phase of the response, and `…_would_reject_total`,
//! all with the label `layer`, the name of the [`Deadlines`]. Each is also an event at `DEBUG`.
//! Ignored headers are counted in `buttress_http_malformed_headers_total`.
//!
//! # Ordering
//!
//! On a server outermost, directly inside the `ProblemLayer`, so that the wait for a permit is covered, and an
//! expired call takes none. In a client outside the retry, so that all attempts share one deadline.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod body;
mod carry;
mod client_config;
mod clock;
mod config;
mod current;
mod deadline_timer;
mod deadlines;
mod future;
mod held;
mod layer;
mod limits;
mod service;
mod settings;
mod side;
mod unready;

pub use body::DeadlineBody;
pub use buttress_core::Deadline;
pub use buttress_http::deadline::{DeadlineHeader, DeadlineHeaders};
pub use carry::{WithTaskContext, carry};
pub use client_config::ClientDeadlineConfig;
pub use config::DeadlineConfig;
pub use deadlines::Deadlines;
pub use future::ResponseFuture;
pub use layer::DeadlineLayer;
pub use service::DeadlineService;
pub use side::{Client, Local, Server};
