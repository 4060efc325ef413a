//! A circuit breaker for Tower services: when a dependency fails too much, it is left alone for a while.
//!
//! # When to use it
//!
//! In front of a dependency that can fail or slow down: another service, a database, a queue. While it is down, calls
//! are rejected at once, and it gets no load while it recovers. Not in front of a service whose failures are caused by
//! its callers, nor as a limit on load: a response that a request was wrong is no failure, and a breaker neither queues
//! nor counts calls in flight.
//!
//! # Example
//!
//! ```
//! use buttress_breaker::{Breaker, BreakerConfig, BreakerLayer, CircuitState};
//! use buttress_core::{Reason, Rejection};
//! use tower::{Service, ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), buttress_core::BoxError> {
//! let breaker = Breaker::new("database", BreakerConfig::default());
//! let mut service = ServiceBuilder::new()
//!     .layer(BreakerLayer::new(&breaker))
//!     .service_fn(|_query: &'static str| async { Err::<(), _>(std::io::Error::other("down")) });
//!
//! // Ten failures in a row, and the circuit opens.
//! for _ in 0..10 {
//!     let error = service.ready().await?.call("select 1").await.unwrap_err();
//!     assert_eq!(error.to_string(), "down");
//! }
//! assert_eq!(breaker.state(), CircuitState::Open);
//!
//! // From now on the database is not called, and rejections say when to retry.
//! let error = service.ready().await?.call("select 1").await.unwrap_err();
//! let rejection = Rejection::find(&*error).expect("the breaker rejects");
//! assert_eq!(rejection.reason(), Reason::CircuitOpen);
//! assert!(rejection.retry_after() <= Some(std::time::Duration::from_secs(5)));
//! # Ok(())
//! # }
//! ```
//!
//! For HTTP and gRPC, with rules of its own:
//!
//! ```
//! use std::time::Duration;
//! use buttress_breaker::{Breaker, BreakerConfig, BreakerLayer, OpenDuration, Window};
//! use buttress_core::Ratio;
//!
//! let payments = Breaker::new(
//!     "payments",
//!     BreakerConfig::default()
//!         .window(Window::Time(Duration::from_secs(30)))
//!         .minimum_calls(50)
//!         .failure_ratio(Ratio::percent(20))
//!         .slow_calls(Duration::from_secs(1), Ratio::percent(60))
//!         .open_for(OpenDuration::Fixed(Duration::from_secs(3)))
//!         .probes(5)
//!         .ramp(Duration::from_secs(20), Ratio::percent(1)),
//! );
//! let layer = BreakerLayer::http(&payments);
//! # let _ = layer;
//!
//! // Later, and from anywhere:
//! let guard = payments.isolate("maintenance"); // open while the guard lives
//! println!("{:?}", payments.snapshot());
//! # drop(guard);
//! ```
//!
//! A breaker for each host or tenant is a [`KeyedBreakerLayer`] over [`Breakers`].
//!
//! # What it does
//!
//! A *closed* circuit admits every call and trips on too many failures in a row, too large a share of failures or too
//! large a share of slow calls, whichever comes first. An *open* circuit rejects every call until its time is over.
//! *Half-open*, it admits a few probes and decides by their outcomes. It then closes, or first *recovers* along a ramp
//! that admits a growing share of calls. Held open by an operator it is *isolated*.
//!
//! | how a call ends | what it counts as |
//! |---|---|
//! | `Ok`, or a status that says the dependency is alive | a success |
//! | an error, a server error, a body that breaks off | a failure |
//! | 429, `RESOURCE_EXHAUSTED` | a failure in the ratio, not in the row: it is alive |
//! | a timeout | a failure, unless the deadline of its task or of the request itself (`grpc-timeout` and the like), or the [`attempt_timeout`](BreakerConfig::attempt_timeout), left it less time than calls take |
//! | another layer's [`Rejection`](buttress_core::Rejection) | nothing: the dependency was not called |
//! | ended by its deadline or the attempt timeout of a retry, before the head of its answer came | a timeout |
//! | dropped by its caller | nothing |
//! | dropped after the head of its answer came | nothing, whatever time it took: that is the reader's pace |
//! | a panic of the inner service | a failure; it unwinds to its caller and no further |
//!
//! The result of a call is recorded only in the period that it was admitted in: a response to a call from before the
//! trip does not decide on the recovery after it. A probe that hangs loses its slot to another when its lease ends; one
//! whose head came without a failure has succeeded by then. A call is timed to the head of its response: a slow reader
//! of the body makes no call slow. A slow sender of the request does, unless
//! [`track_upload`](buttress_http::track_upload) measures that: put it around the breaker where requests are passed on
//! while they arrive, as in a gateway.
//!
//! The inner service must be `Clone`: a rejection puts a fresh clone in its place, which gives back what it reserved in
//! `poll_ready`.
//!
//! # Differences from others
//!
//! tower has no circuit breaker. From `tower-resilience-circuitbreaker`: the state is in the handle and not in
//! the layer, so the routes of an axum router share it; windows forget; probes cannot wedge a half-open circuit;
//! cancelled calls, panics and broken bodies are seen; and a call neither allocates nor locks while the circuit
//! is closed. From resilience4j and Polly: late answers are not counted for a period they do not belong to.
//!
//! # Defaults
//!
//! See [`BreakerConfig`], [`BreakersConfig`], [`Until::BodyEnd`](buttress_http::Until::BodyEnd) and
//! [`WhenSaturated::Reject`].
//!
//! # Signals
//!
//! `buttress_breaker_calls_total`, `…_slow_calls_total`, `…_stale_outcomes_total`, `…_rejections_total`,
//! `…_would_reject_total`, `…_transitions_total` and the gauge `buttress_breaker_state`, all with the label
//! `layer`, the breaker's name. Steps are events at `INFO`, or `WARN` where the circuit opens; rejections are
//! events at `DEBUG`. They are on where `buttress-metrics` has its features `metrics` and `tracing`: by default
//! in the `buttress` crate; beside this crate alone, name `buttress-metrics` in your manifest.
//!
//! # Ordering
//!
//! Inside of a retry, so that each attempt is counted and an open circuit ends the retrying. Outside of a
//! bulkhead, so that a rejected call takes no permit. The deadlines and retries of this workspace say why they end a call;
//! where a timeout of another library goes outside, say so with [`attempt_timeout`](BreakerConfig::attempt_timeout).

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod breaker;
mod future;
mod guard;
mod isolation;
mod keyed;
mod layer;
mod readiness;
mod reserved;
mod service;
mod shared;
mod snapshot;

pub use breaker::Breaker;
pub use buttress_core::WhenSaturated;
pub use buttress_core::circuit::{BreakerConfig, CircuitSnapshot, CircuitState, OpenDuration};
pub use buttress_core::window::Window;
pub use future::ResponseFuture;
pub use guard::BreakerGuard;
pub use isolation::Isolation;
pub use keyed::{Breakers, BreakersConfig, ByKey, KeyedBreakerLayer, KeyedBreakerService};
pub use layer::BreakerLayer;
pub use service::BreakerService;
pub use snapshot::BreakerSnapshot;
