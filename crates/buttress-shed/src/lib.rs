//! Load shedding for Tower services: under overload, a service completes as many requests as it can within their
//! deadlines, the most critical first, and rejects the rest at once.
//!
//! # When to use it
//!
//! In front of a server of unknown capacity, which is most servers: the limit on requests in flight is adaptive, and
//! follows the capacity when it changes. In a client whose dependency rejects calls. If the limit is known, or must
//! never be exceeded, use a bulkhead; to limit the rate of one caller, use a rate limit.
//!
//! # Example
//!
//! ```
//! use buttress_core::{Reason, Rejection};
//! use buttress_shed::{ShedConfig, ShedLayer, Shedder};
//! use tower::{Service, ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), buttress_core::BoxError> {
//! let shedder = Shedder::new("api", ShedConfig::default()); // adaptive
//! let mut service = ServiceBuilder::new()
//!     .layer(ShedLayer::new(&shedder))
//!     .service_fn(|name: &'static str| async move { Ok::<_, std::io::Error>(name.len()) });
//!
//! assert_eq!(service.ready().await?.call("yearly").await?, 6);
//! assert_eq!(shedder.snapshot().limit.limit, 20); // the initial limit
//!
//! // With a limit of one and no queue, the second call is rejected at once.
//! shedder.reconfigure(ShedConfig::default().limit(1).queue(0))?;
//! let first = service.ready().await?.call("yearly");
//! let error = service.ready().await?.call("monthly").await.unwrap_err();
//! let rejection = Rejection::find(&*error).expect("the shedder rejects");
//! assert_eq!(rejection.reason(), Reason::LimitReached);
//! assert_eq!(first.await?, 6);
//! # Ok(())
//! # }
//! ```
//!
//! On a server, with the defaults and customised:
//!
//! ```
//! use std::time::Duration;
//! use buttress_core::{Criticality, Ratio};
//! use buttress_shed::{
//!     LimitConfig, PressureConfig, SharesConfig, ShedConfig, ShedLayer, Shedder, Trust,
//! };
//!
//! let layer = ShedLayer::server(&Shedder::new("api", ShedConfig::default()));
//! # let _ = layer;
//!
//! let shedder = Shedder::new(
//!     "api",
//!     ShedConfig::default()
//!         .limit(LimitConfig::guarded().initial(50).max(2_000))
//!         .queue(200)
//!         .max_wait(Duration::from_millis(50))
//!         .shares(SharesConfig::default().share(Criticality::Low, Ratio::percent(5)))
//!         .pressure(PressureConfig::default().memory(Ratio::percent(85), Ratio::percent(95))),
//! );
//! let layer = ShedLayer::server(&shedder)
//!     .trust(Trust::Never)
//!     .trust_if(|headers, _| headers.get("x-internal").is_some_and(|secret| secret == "4711"));
//! # let _ = layer;
//! assert_eq!(shedder.snapshot().limit.limit, 50);
//! ```
//!
//! For tenants, one of which may send very many requests, by a header or by a function:
//!
//! ```
//! use buttress_core::{Reason, Rejection};
//! use buttress_shed::{Caller, ShedConfig, ShedLayer, Shedder, TenantsConfig};
//! use tower::{Service, ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), buttress_core::BoxError> {
//! let config = ShedConfig::default().tenants(TenantsConfig::default());
//! let layer = ShedLayer::server(&Shedder::new("api", config))
//!     .tenant_header(http::HeaderName::from_static("x-tenant"));
//! # let _ = layer;
//!
//! // Four slots, and none are lent while there are several tenants: each of two gets two.
//! let tenants = TenantsConfig::default().borrow_factor(0.0).buckets(4_096);
//! let shedder = Shedder::new("api", ShedConfig::default().limit(4).queue(0).tenants(tenants));
//! let mut service = ServiceBuilder::new()
//!     .layer(ShedLayer::new(&shedder).caller(|tenant: &u64| Caller {
//!         tenant: Some(*tenant),
//!         ..Caller::default()
//!     }))
//!     .service_fn(|_: u64| async { Ok::<_, std::io::Error>("done") });
//!
//! let mut calls = Vec::new();
//! for tenant in [7, 8, 8] {
//!     calls.push(service.ready().await?.call(tenant));
//! }
//! let error = service.ready().await?.call(8).await.unwrap_err();
//! let rejection = Rejection::find(&*error).expect("the shedder rejects");
//! assert_eq!(rejection.reason(), Reason::TenantOverShare);
//! assert_eq!(service.ready().await?.call(7).await?, "done");
//! # Ok(())
//! # }
//! ```
//!
//! In a client, only to hold back calls that the dependency would reject, with the defaults or from the first
//! rejection on:
//!
//! ```
//! use std::time::Duration;
//! use buttress_shed::{ShedConfig, ShedLayer, Shedder, ThrottleConfig};
//!
//! let nothing_else = ShedConfig::default().no_limit().queue(0);
//! let config = nothing_else.clone().throttle(ThrottleConfig::default());
//! let layer = ShedLayer::client(&Shedder::new("payments", config));
//! # let _ = layer;
//!
//! let throttle = ThrottleConfig::default()
//!     .multiplier(1.2)
//!     .window(Duration::from_secs(5))
//!     .floor(10);
//! let search = Shedder::new("search", nothing_else.throttle(throttle));
//! let layer = ShedLayer::client(&search);
//! # let _ = layer;
//! assert_eq!(search.snapshot().throttle.expect("there is a throttle").sent, 0);
//! ```
//!
//! # What it does
//!
//! A call takes a slot when it is made, and returns it when it ends: with its future, which over HTTP is the head of
//! its response. The latency until then is the sample for the [limit](LimitConfig). The duration of a body depends on
//! its reader: an event stream, a websocket, a download or a socket that is not read would hold a slot without limit,
//! the limit would learn nothing from such calls, and they could use up all slots. So bodies do not count. For a
//! service whose work is in its bodies, use [`ShedLayer::until`], or a bulkhead for a known number of concurrent
//! bodies.
//!
//! The same is true of a request that its caller sends slowly: around a service that reads bodies,
//! [`track_upload`](buttress_http::track_upload) excludes that time from the samples of the limit and the throttle.
//! Such a call still has its slot. The deadline of the server limits its time, and so does a timeout for reading
//! bodies, such as tower-http's `RequestBodyTimeoutLayer`; routes with large uploads need their own shedder or
//! bulkhead, so that they do not take the slots of others.
//!
//! A call that is ended by its deadline, or by the attempt timeout of a retry, before the head of its response,
//! counts as a timeout if it had three times the usual latency; timeouts lower the limit and cause throttling. With
//! less time it is neutral, and so is a cancelled call. A timeout in the service's response is neutral if the caller
//! allowed less time than calls take, by the deadline of the task or of the request itself (such as `grpc-timeout`).
//!
//! A call that finds no free slot waits in its response future, if the queue has room, within the limits of
//! [`ShedConfig`] and its deadline. More critical calls are served first, and the newest first once the queue is
//! congested. It waits with a clone of the inner service that was not polled ready, so it holds no reservation of
//! inner layers.
//!
//! With [shares](ShedConfig::shares), each criticality is guaranteed a part of the limit and of the queue, whatever
//! the load of more critical calls. A free slot goes to a criticality below its share, or else to the most critical
//! call. So unused slots are lent, and returned when enough calls have ended.
//!
//! | rejection | cause | retry |
//! |---|---|---|
//! | [`LimitReached`](Reason::LimitReached) | no free slot, and the queue is full | at another instance, or after `retry_after` |
//! | [`CriticalityTooLow`](Reason::CriticalityTooLow) | the slots, or those in the queue, are for more critical calls | the same |
//! | [`QueueOverloaded`](Reason::QueueOverloaded) | it was evicted from the queue by a call that is served before it, or waited too long in a queue that [does not drain](ShedConfig::controlled_delay) | the same |
//! | [`QueueTimeout`](Reason::QueueTimeout) | no slot became free within the longest wait | the same |
//! | [`DeadlineTooShort`](Reason::DeadlineTooShort) | its deadline leaves no time to wait, or to wait longer | no |
//! | [`TenantOverShare`](Reason::TenantOverShare) | its tenant has used up its share of slots and queue | after `retry_after` |
//! | [`ResourceExhausted`](Reason::ResourceExhausted) | memory or processor pressure | at another instance |
//! | [`ClientThrottled`](Reason::ClientThrottled) | the dependency rejects many calls | after `retry_after` |
//!
//! `retry_after` is the time that the queue takes to drain at the current rate, or until the throttle sends the next
//! call, plus random jitter of up to the same or a second, so that clients do not retry at the same time.
//!
//! The criticality of a call is read from `x-criticality: critical | high | medium | low`, as far as it is
//! [trusted](Trust); without the header it is `High`. The task that serves the call has it in its context, and
//! [`ShedLayer::client`] writes it to the calls of that task.
//!
//! Memory pressure is the memory that the process uses, as a fraction of the limit of its control group or of the
//! machine's memory. Processor pressure is the time that this thread waits for a processor while it is ready to run.
//! Both are read from the files of Linux, every 100 ms, by a call; there is no task for it. Report other measurements
//! with [`Shedder::update_pressure`].
//!
//! In the modes that do not enforce, calls do not wait, and those that would have been rejected are counted.
//!
//! # Differences from others
//!
//! tower's `LoadShed` rejects when the inner service is not ready, which does not depend on the number of calls in
//! flight, and leaves a waiter in a `ConcurrencyLimit`. From Netflix's concurrency-limits and the adaptive filter of
//! Envoy: the limit has no baseline that drifts, and is never lowered only to measure one; windows in which the load
//! and not the limit determined the number in flight are not used; timeouts of callers count. From SRE's adaptive
//! throttling: throttling ends with the outage, and not minutes later.
//!
//! # Defaults
//!
//! See [`ShedConfig`], [`LimitConfig`], [`Until::Headers`](buttress_http::Until::Headers) and [`Trust::LowerOnly`].
//!
//! # Signals
//!
//! The gauges `buttress_shed_limit`, `…_in_flight` and `…_queue_length`, the histogram `…_wait_seconds` of requests
//! that waited, `…_rejections_total` and `…_would_reject_total`, all with the label `layer`, the shedder's name.
//! Rejections are events at `DEBUG`, memory or processor pressure at `WARN`. The features `metrics` and `tracing`, which
//! are on by default, enable them.
//!
//! # Ordering
//!
//! On a server, outside all layers with a cost, and inside the layer that sets the deadline and the one that turns
//! rejections into responses. In a client, inside a retry, so that each attempt needs a permit, and outside a
//! breaker, because the time in a queue is not the dependency's latency, and the rejections of an open circuit must
//! not count as sent.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod guard;
mod layer;
mod measure;
mod service;
mod shared;
mod shedder;
mod side;
mod snapshot;

#[cfg(doc)]
use buttress_core::Reason;
pub use buttress_core::limit::LimitConfig;
pub use buttress_core::queue::{ControlledDelay, Order};
pub use buttress_core::shares::{SharesConfig, TenantsConfig};
pub use buttress_core::shed::ShedConfig;
pub use buttress_core::{Criticality, Pressure, PressureConfig, ThrottleConfig};
pub use guard::ShedGuard;
pub use layer::ShedLayer;
pub use service::ShedService;
pub use shedder::Shedder;
pub use side::{Caller, Client, FromFn, Server, Side, TenantName, Trust};
pub use snapshot::ShedSnapshot;

use buttress_core::Plain;
use buttress_shell::LimitedFuture;
use shared::Shared;

/// The response future of [`ShedService`], or the shedder's rejection.
pub type ResponseFuture<S, Req, P = Plain> = LimitedFuture<S, Req, Shared, P>;
