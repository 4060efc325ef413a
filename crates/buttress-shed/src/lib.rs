//! Load shedding for Tower services: under overload, a service does as much work as it can within its deadlines, the
//! most critical requests first, and rejects the rest at once.
//!
//! # When to use it
//!
//! In front of a server of unknown capacity, which is most of them: the limit on requests in flight is adaptive, and
//! follows the capacity when it changes. In front of a client whose dependency rejects calls. Where the limit is known,
//! or must never be exceeded, use a bulkhead; a limit on the rate of one caller is a different pattern.
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
//! let shedder = Shedder::new("api", ShedConfig::default()); // adaptive, no number to guess
//! let mut service = ServiceBuilder::new()
//!     .layer(ShedLayer::new(&shedder))
//!     .service_fn(|name: &'static str| async move { Ok::<_, std::io::Error>(name.len()) });
//!
//! assert_eq!(service.ready().await?.call("yearly").await?, 6);
//! assert_eq!(shedder.snapshot().limit.limit, 20); // so far
//!
//! // With a limit of one and no queue, the second call is rejected at once.
//! shedder.reconfigure(ShedConfig::default().limit(1).queue(0))?;
//! let first = service.ready().await?.call("yearly");
//! let error = service.ready().await?.call("monthly").await.unwrap_err();
//! let rejection = Rejection::find(&*error).expect("the shedder said no");
//! assert_eq!(rejection.reason(), Reason::LimitReached);
//! assert_eq!(first.await?, 6);
//! # Ok(())
//! # }
//! ```
//!
//! On a server, by default and with numbers of one's own:
//!
//! ```
//! use std::time::Duration;
//! use buttress_core::{Criticality, Ratio};
//! use buttress_shed::{
//!     LimitConfig, PressureConfig, SharesConfig, ShedConfig, ShedLayer, Shedder, Trust,
//! };
//!
//! let layer = ShedLayer::http(&Shedder::new("api", ShedConfig::default()));
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
//! let layer = ShedLayer::http(&shedder)
//!     .trust(Trust::Never)
//!     .trust_if(|headers, _| headers.get("x-internal").is_some_and(|secret| secret == "4711"));
//! # let _ = layer;
//! assert_eq!(shedder.snapshot().limit.limit, 50);
//! ```
//!
//! For tenants, one of which may send very many requests, by a header or by a function of yours:
//!
//! ```
//! use buttress_core::{Reason, Rejection};
//! use buttress_shed::{Caller, ShedConfig, ShedLayer, Shedder, TenantsConfig};
//! use tower::{Service, ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), buttress_core::BoxError> {
//! let config = ShedConfig::default().tenants(TenantsConfig::default());
//! let layer = ShedLayer::http(&Shedder::new("api", config))
//!     .tenant_header(http::HeaderName::from_static("x-tenant"));
//! # let _ = layer;
//!
//! // Four slots for all, and nothing lent to one beside others: two for each of two.
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
//! let rejection = Rejection::find(&*error).expect("the shedder said no");
//! assert_eq!(rejection.reason(), Reason::TenantOverShare);
//! assert_eq!(service.ready().await?.call(7).await?, "done");
//! # Ok(())
//! # }
//! ```
//!
//! In a client, only to hold back what a dependency rejects anyway, by default or at the first sign:
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
//! assert_eq!(search.snapshot().throttle.expect("there is one").sent, 0);
//! ```
//!
//! # What it does
//!
//! A call takes a slot when it is made, and returns it when it ends: with its future, which over HTTP is the head of
//! its response. The sample for the [limit](LimitConfig) is the time until then. The length of a body depends on its
//! reader: an event stream, a websocket, a download or a socket that is not read would hold a slot without bound, the
//! limit would learn nothing from such calls, and they could use up the whole limit. So bodies do not count. For a
//! service whose work is in its bodies there is [`ShedLayer::until`], and a bulkhead for a known number of bodies at
//! once.
//!
//! The same is true of a request that its caller is slow to send: around a service that reads bodies,
//! [`track_upload`](buttress_http::track_upload) keeps the limit and the throttle from taking that time for the service's.
//! Such a call has its slot all the same. What bounds how long are the deadline of the server and a timeout for reading
//! bodies, such as tower-http's `RequestBodyTimeoutLayer`; routes with large uploads need a shedder or a bulkhead of their
//! own, so that they do not take the slots of others.
//!
//! A call that its deadline ends before the head of its response, or the attempt timeout of a retry, counts as a
//! timeout if it had three times the usual latency; it then counts towards a lower limit and towards throttling. With
//! less time it is neutral, and so is a call whose caller left. A timeout in the service's response is neutral if the
//! caller allowed less time than calls take, by the deadline of the task or by the request itself (`grpc-timeout` and
//! the like).
//!
//! A call that finds no free slot waits in its response future, if the queue has room, within the bounds of
//! [`ShedConfig`] and its deadline; more critical calls go first, and once the queue stands, the newest. It waits with
//! a clone of the inner service that was not polled ready, so it holds no reservation of inner layers.
//!
//! With [shares](ShedConfig::shares), each criticality is guaranteed a part of the limit and of the queue, whatever the
//! load of more critical calls. A slot that becomes free goes to a criticality below its share, and else to the most
//! critical; so unused slots are lent, and are back when enough calls have ended.
//!
//! | result of a call | why | worth another try |
//! |---|---|---|
//! | [`LimitReached`](Reason::LimitReached) | no slot, and no room in the queue | elsewhere, or after `retry_after` |
//! | [`CriticalityTooLow`](Reason::CriticalityTooLow) | the slots, or those in the queue, are for what matters more | the same |
//! | [`QueueOverloaded`](Reason::QueueOverloaded) | it waited, and made room for what is served before it; or too long, in a queue that [does not drain](ShedConfig::controlled_delay) | the same |
//! | [`QueueTimeout`](Reason::QueueTimeout) | no slot became free in the longest wait | the same |
//! | [`DeadlineTooShort`](Reason::DeadlineTooShort) | its deadline leaves no time to wait, or to wait any longer | no |
//! | [`TenantOverShare`](Reason::TenantOverShare) | its tenant has its share of places and queue | after `retry_after` |
//! | [`ResourceExhausted`](Reason::ResourceExhausted) | memory or processor time is short | elsewhere |
//! | [`ClientThrottled`](Reason::ClientThrottled) | the dependency rejects much of what it is sent | after `retry_after` |
//!
//! `retry_after` is how long the queue takes to drain at the pace at which calls end, or until the throttle sends the next,
//! and as much again or a second by chance, so that not all retry at once.
//!
//! The criticality of a call is read from `x-criticality: critical | high | medium | low`, as far as it is
//! [trusted](Trust); `High` without the header. The task that serves the call has it in its context, and
//! [`ShedLayer::client`] writes it on the calls that task makes.
//!
//! Memory is what the process uses of what its control group, or its machine, has; processor time is short when this
//! thread waits long for a processor though it is ready. Both are read from the files of Linux by a call that comes along
//! every 100 ms, and there is no task for it. What you measure yourself goes in by [`Shedder::update_pressure`].
//!
//! In the modes that do not enforce, calls do not wait, and those that would have been rejected are counted.
//!
//! # Differences from others
//!
//! tower's `LoadShed` rejects when the inner service is not ready, which does not depend on the number of calls in
//! flight, and leaves a waiter behind in a `ConcurrencyLimit`. From Netflix's concurrency-limits and the adaptive
//! filter of Envoy: the limit has no baseline to drift, and is never held down to measure one; windows in which the
//! load and not the limit determined the number in flight are not learnt from; calls that are given up count. From
//! SRE's adaptive throttling: throttling ends with the outage, and not minutes later.
//!
//! # Defaults
//!
//! See [`ShedConfig`], [`LimitConfig`], [`Until::Headers`](buttress_http::Until::Headers) and [`Trust::LowerOnly`].
//!
//! # Signals
//!
//! The gauges `buttress_shed_limit`, `…_in_flight` and `…_queue_length`, the histogram `…_wait_seconds` of requests
//! that waited, `…_rejections_total` and `…_would_reject_total`, all with the label `layer`, the shedder's name.
//! Rejections are events at `DEBUG`, memory or processor pressure at `WARN`. They are on where `buttress-metrics` has
//! its features `metrics` and `tracing`: by default in the `buttress` crate; beside this crate alone, name
//! `buttress-metrics` in your manifest.
//!
//! # Ordering
//!
//! On a server, outside all layers with a cost, and inside the layer that sets the deadline and the one that turns
//! rejections into responses. In a client, inside a retry, so that each attempt needs a permit, and outside a breaker:
//! the time in a queue is not the dependency's latency, and the rejections of an open circuit are not counted as sent.

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

/// The response of a service behind a shedder, or the shedder's rejection.
pub type ResponseFuture<S, Req, P = Plain> = LimitedFuture<S, Req, Shared, P>;
