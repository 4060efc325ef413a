//! A circuit breaker for Tower services: rejects calls to a dependency while too many of them fail.
//!
//! # When to use it
//!
//! In front of a dependency that can fail or slow down: another service, a database, a queue. While the dependency is
//! down, calls are rejected at once, and it gets no load while it recovers. Do not use it in front of a service whose
//! failures are caused by its callers, nor as a limit on load: a response that blames the request is not a failure,
//! and a breaker neither queues nor counts calls in flight.
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
//! // Eight consecutive failures open the circuit.
//! for _ in 0..8 {
//!     let error = service.ready().await?.call("select 1").await.unwrap_err();
//!     assert_eq!(error.to_string(), "down");
//! }
//! assert_eq!(breaker.state(), CircuitState::Open);
//!
//! // From now on the database is not called. Rejections have a `Retry-After`.
//! let error = service.ready().await?.call("select 1").await.unwrap_err();
//! let rejection = Rejection::find(&*error).expect("the breaker rejects");
//! assert_eq!(rejection.reason(), Reason::CircuitOpen);
//! assert!(rejection.retry_after() <= Some(std::time::Duration::from_secs(5)));
//! # Ok(())
//! # }
//! ```
//!
//! For HTTP and gRPC, customised:
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
//! let layer = BreakerLayer::client(&payments);
//! # let _ = layer;
//!
//! // Later, from any task:
//! let guard = payments.isolate("maintenance"); // open until the guard is dropped
//! println!("{:?}", payments.snapshot());
//! # drop(guard);
//! ```
//!
//! For a breaker for each host or tenant, use [`BreakerLayer::keyed`] with [`Breakers`].
//!
//! # What it does
//!
//! A *closed* circuit admits every call, and opens after too many consecutive failures, or when the ratio of failures
//! or of slow calls is too large and not by chance, whichever comes first. An *open* circuit rejects every call until
//! its open time ends. *Half-open*, it admits a few probes, and their outcomes decide. It then closes, or first
//! *recovers* along a ramp that admits a growing ratio of calls. A circuit that an operator holds open is *isolated*.
//!
//! | end of the call | counts as |
//! |---|---|
//! | `Ok`, or a status that means that the dependency works | a success |
//! | an error, a server error, a body that breaks off | a failure |
//! | 429, `RESOURCE_EXHAUSTED` | a failure in the ratio, but not a consecutive failure: the dependency works |
//! | a timeout | a failure, unless the deadline of its task or of the request itself (such as `grpc-timeout`), or the [`attempt_timeout`](BreakerConfig::attempt_timeout), left it less time than calls take |
//! | another layer's [`Rejection`](buttress_core::Rejection) | nothing: the dependency was not called |
//! | ended by its deadline or by a retry's attempt timeout, before the head of the response | a timeout |
//! | dropped by its caller | nothing |
//! | dropped after the head of the response | nothing, at any latency: the body's duration depends on its reader |
//! | a panic of the inner service | a failure; the panic unwinds to its caller only |
//!
//! A result is recorded only in the period in which its call was admitted: a call from before the circuit opened does
//! not affect the recovery. A probe that hangs loses its slot when its lease ends; if its head came without a
//! failure, it succeeds then. The latency of a call ends at the head of its response, so a slow reader of the body
//! does not make a call slow. A caller that sends its request slowly does, unless
//! [`track_upload`](buttress_http::track_upload) measures that: call it outside the breaker if requests are forwarded
//! while they arrive, as in a gateway.
//!
//! The inner service must be `Clone`: on a rejection a fresh clone replaces it, which releases what it reserved in
//! `poll_ready`.
//!
//! # Differences from others
//!
//! tower has no circuit breaker. From `tower-resilience-circuitbreaker`: the state is in the handle and not in the
//! layer, so the routes of an axum router share it; windows forget; probes cannot block a half-open circuit forever;
//! cancelled calls, panics and broken bodies are recognized; and a call neither allocates nor locks while the circuit
//! is closed. From resilience4j and Polly: late results are not recorded in a later period.
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
//! `layer`, the breaker's name. Transitions are events at `INFO`, or at `WARN` if the circuit opens; rejections are
//! events at `DEBUG`. The features `metrics` and `tracing`, which are on by default, enable them.
//!
//! # Ordering
//!
//! Inside a retry, so that each attempt is counted and an open circuit stops the retries. Outside a bulkhead, so that
//! a rejected call takes no permit. The deadlines and retries of this workspace tell inner layers why they end a
//! call; if a timeout of another library is outside, set [`attempt_timeout`](BreakerConfig::attempt_timeout).

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
