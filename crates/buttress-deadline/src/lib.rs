//! Deadlines that travel with calls: a request knows how long it has, everywhere.
//!
//! # When to use it
//!
//! On every server and every client, as the outermost layer under the one that turns errors into responses. With a
//! timeout in each service alone, services do work that no caller waits for: the caller gave up long ago, and the
//! services it called go on. Here a server reads the caller's remaining time, ends the call when that is over, and the
//! clients in its handlers send the remaining time to the services they call. Not for streams without an end, of which
//! only the head can be in time: see [`until`](DeadlineConfig::until).
//!
//! # Example
//!
//! A server and, in its handler, a client. The deadline is passed on without an argument:
//!
//! ```
//! use std::convert::Infallible;
//! use std::time::Duration;
//! use buttress_deadline::{Deadline, DeadlineConfig, DeadlineLayer};
//! use http::{Request, Response};
//! # use http_body_util::Empty;
//! # type Body = Empty<&'static [u8]>;
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), buttress_core::BoxError> {
//! let upstream = ServiceBuilder::new()
//!     .layer(DeadlineLayer::client())
//!     .service_fn(|request: Request<Body>| async move {
//!         // 5 ms are kept back for the way.
//!         assert_eq!(request.headers()["x-envoy-expected-rq-timeout-ms"], "1990");
//!         Ok::<_, Infallible>(Response::new(Body::new()))
//!     });
//!
//! let config = DeadlineConfig::default().timeout(Duration::from_secs(2));
//! let server = ServiceBuilder::new()
//!     .layer(DeadlineLayer::server(config))
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
//! With bounds, and with a time for each part of a response; and around what is not HTTP at all:
//!
//! ```
//! use std::time::Duration;
//! use buttress_core::{Reason, Rejection};
//! use buttress_deadline::{DeadlineConfig, DeadlineHeader, DeadlineHeaders, DeadlineLayer};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let api = DeadlineLayer::server(
//!     DeadlineConfig::default()
//!         .timeout(Duration::from_secs(2))
//!         .maximum(Duration::from_secs(30))
//!         .minimum(Duration::from_millis(10))
//!         .trusted_headers(DeadlineHeaders::RELATIVE.with(DeadlineHeader::XDeadline))
//!         .head_timeout(Duration::from_secs(1))
//!         .body_idle(Duration::from_secs(5)),
//! )
//! .named("api");
//! # let _ = api;
//!
//! let second = Duration::from_secs(1);
//! let database = ServiceBuilder::new()
//!     .layer(DeadlineLayer::new(DeadlineConfig::default().timeout(second)))
//!     .service_fn(|_query: &'static str| async move {
//!         tokio::time::sleep(60 * second).await;
//!         Ok::<_, std::io::Error>("a row")
//!     });
//! let error = database.oneshot("select 1").await.unwrap_err();
//! let rejection = Rejection::find(&*error).expect("the time was over");
//! assert_eq!(rejection.reason(), Reason::DeadlineExceeded);
//! # }
//! ```
//!
//! # What it does
//!
//! The earliest deadline holds, so no service has more time than its caller.
//!
//! | | [`server`](DeadlineLayer::server) | [`client`](DeadlineLayer::client) | [`new`](DeadlineLayer::new) |
//! |---|---|---|---|
//! | takes the earliest of | headers, the request's extension, the task, a timeout | the request's extension and headers, the task, a timeout | the task, a timeout |
//! | keeps back | an offset, of what the caller gives | a margin, of what it tells | |
//! | rejects before the inner service is called | what has expired, what is too short | the same | the same |
//! | tells | the task, an extension of the request | the task, a header and an extension of the request | the task |
//! | at the deadline | drops the inner call, or the body, polled or not | the same | drops the inner call when polled |
//!
//! A rejection is a [`Rejection`](buttress_core::Rejection) for `DeadlineExpired` or `DeadlineTooShort`; a call that is
//! ended fails with one for `DeadlineExceeded`. An outer `ProblemLayer` turns them into 504, and over gRPC into
//! `DEADLINE_EXCEEDED`. A body that is late ends with the trailers of that code, or over HTTP with an error, which
//! breaks the response off where its reader can see it. The inner future is polled before the timer, so a response that
//! becomes ready at the deadline is returned.
//!
//! A body is dropped at its deadline even if its reader does not poll it: a server whose client does not read from the
//! connection stops polling, and the body would hold its resources (a slot of a bulkhead, a connection to a dependency)
//! for as long as the client stays connected. The connection itself stays open until the client reads or disconnects.
//! For this, the bodies of servers and clients have to be `Send`, and are dropped by the thread that runs the timers.
//!
//! The task has the deadline through [`Deadline::current`], at every poll of the inner service and of its bodies.
//! Work that is spawned is another task: [`carry`] takes the deadline there.
//!
//! Headers are those of [`buttress_http::deadline`], relative ones by default. A malformed header is
//! ignored and counted. A client writes a new header for each call. Outside of a retry it writes
//! the first attempt's, and [`age_deadline`](buttress_http::deadline::age_deadline) is what corrects those of the
//! others.
//!
//! A service that is not ready is waited for in `poll_ready`, where Tower has no request yet, and so no deadline but
//! that of the task. In [`Mode::Enforce`](buttress_core::Mode::Enforce) the wait lasts no longer than that, and than
//! the timeout (or the maximum, where there is no timeout), from when the service was first found not to be ready.
//! After that this layer says that it is ready, and rejects the call with `DeadlineExceeded` without making it. So a
//! load balancer above sees a service that is not ready for as long as a call may take, and then one that fails. What
//! a caller's header gives it is known once the call is made, and begins there. For a wait that a caller's own
//! deadline ends, put a `Buffer` between this layer and the service: its calls wait, and not its readiness.
//!
//! A timer is made when a call has a deadline and is not answered at its first poll, and when its response has a body; and
//! never for "no deadline". A body with a deadline takes two allocations besides. Where there are no timers, a late call or
//! body ends when it is next polled.
//!
//! # Differences from others
//!
//! tower's `Timeout` knows neither the caller's time nor the body, and makes a timer for every call.
//! tower-http's `TimeoutLayer` answers 408 by itself and ends with the head; its `DeadlineBody` starts a clock of its
//! own. tonic reads `grpc-timeout`, answers `CANCELLED` where time runs out and stops at the head of a stream;
//! nothing of it goes on to the next call. Envoy passes an expected timeout on, and does not join it with what comes
//! in. Finagle sends moments, which need clocks that agree.
//!
//! A tonic `Channel` looks at the `grpc-timeout` that we write, and gives up by itself when that is over, with
//! `tonic::TimeoutExpired`, a margin before us. An error of the inner service passes through as it is: to have it
//! read as `DEADLINE_EXCEEDED`, register it with the `Problems` of the `ProblemLayer` above.
//!
//! # Defaults
//!
//! See [`DeadlineConfig`] and [`ClientDeadlineConfig`].
//!
//! # Signals
//!
//! `buttress_deadline_rejections_total`, `…_exceeded_total` by the phase that the response was in, and
//! `…_would_reject_total`, all with the label `layer`: what [`named`](DeadlineLayer::named) gave, or `deadline`. Each
//! is an event at `DEBUG` as well. Headers that were ignored are `buttress_http_malformed_headers_total`.
//!
//! # Ordering
//!
//! On a server outermost, right under the `ProblemLayer`: what waits for a permit waits within its deadline, and what
//! has expired takes none. In a client outside of the retry, so that all attempts share one deadline.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod body;
mod carry;
mod client_config;
mod clock;
mod config;
mod deadline_timer;
mod future;
mod held;
mod layer;
mod limits;
mod service;
mod shared;
mod side;
mod unready;

pub use body::DeadlineBody;
pub use buttress_core::Deadline;
pub use buttress_http::deadline::{DeadlineHeader, DeadlineHeaders};
pub use carry::{WithTaskContext, carry};
pub use client_config::ClientDeadlineConfig;
pub use config::DeadlineConfig;
pub use future::ResponseFuture;
pub use layer::DeadlineLayer;
pub use service::DeadlineService;
pub use side::{Client, Local, Server};
