//! A bulkhead for Tower services: a limit on requests in flight, and a short, fair and bounded wait for the rest.
//!
//! # When to use it
//!
//! Around a resource for a known number of calls at once: a pool of connections, a handler that takes much memory, a
//! dependency that others use too. One of them that is slow then fills its own compartment, and not the ship. Where
//! the number is not known, let a load shedder find it. It is no limit on the rate of calls: many short ones pass.
//!
//! # Example
//!
//! ```
//! use buttress_bulkhead::{Bulkhead, BulkheadConfig, BulkheadLayer};
//! use buttress_core::{Reason, Rejection};
//! use tower::{Service, ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), buttress_core::BoxError> {
//! let bulkhead = Bulkhead::new("reports", BulkheadConfig::default().limit(1));
//! let mut service = ServiceBuilder::new()
//!     .layer(BulkheadLayer::new(&bulkhead))
//!     .service_fn(|name: &'static str| async move { Ok::<_, std::io::Error>(name.len()) });
//!
//! // The one place is taken from the call to its end.
//! let first = service.ready().await?.call("yearly");
//! let error = service.ready().await?.call("monthly").await.unwrap_err();
//! let rejection = Rejection::find(&*error).expect("the bulkhead said no");
//! assert_eq!(rejection.reason(), Reason::BulkheadFull);
//!
//! assert_eq!(first.await?, 6);
//! assert_eq!(service.ready().await?.call("monthly").await?, 7);
//! # Ok(())
//! # }
//! ```
//!
//! For HTTP, with a queue:
//!
//! ```
//! use std::time::Duration;
//! use buttress_bulkhead::{Bulkhead, BulkheadConfig, BulkheadLayer};
//!
//! let config = BulkheadConfig::default().limit(64).queue(128).max_wait(Duration::from_millis(50));
//! let api = Bulkhead::new("api", config.clone());
//! let layer = BulkheadLayer::http(&api);
//! # let _ = layer;
//!
//! // Later, and from anywhere:
//! api.reconfigure(config.limit(32))?; // calls in flight stay
//! println!("{:?}", api.snapshot());
//! # Ok::<_, buttress_core::ConfigError>(())
//! ```
//!
//! One limit for several purposes, each with a share of its own:
//!
//! ```
//! use buttress_bulkhead::{Bulkhead, BulkheadConfig, BulkheadLayer, PartitionsConfig};
//! use buttress_core::Ratio;
//! use http::Request;
//!
//! let shares = PartitionsConfig::default()
//!     .share("/checkout", Ratio::percent(50))
//!     .share("/search", Ratio::percent(30)); // and 20 % for all others
//! let api = Bulkhead::try_new("api", BulkheadConfig::default().limit(100).queue(50).partitions(shares))?;
//! let layer = BulkheadLayer::http(&api).by_path(); // `/checkout/42` is in `/checkout`
//! # let _ = layer;
//!
//! // Or by any other property of a request:
//! let layer = BulkheadLayer::http(&api).key(|request: &Request<String>| request.uri().path().into());
//! # let _ = layer;
//! # Ok::<_, buttress_core::ConfigError>(())
//! ```
//!
//! # What it does
//!
//! A call takes a slot when it is made, and returns it when it ends: with its future, and with the `Http` protocol with
//! the body of its response. A service that is merely ready holds no slot, so idle connections and clones use none;
//! [`WhenSaturated::Unready`] differs in that.
//!
//! An upgrade, to a websocket say, ends with its answer, `101 Switching Protocols`, and its slot is free: what
//! becomes of the connection no layer sees. To count connections, let the handler keep a [`BulkheadHold`].
//!
//! A response that is not read keeps its slot only while no other request needs it: a client that does not read its
//! connection would otherwise hold a slot without bound. When a call finds no free slot, the bulkhead takes back the
//! slots of bodies that were not polled for [`reader_idle`](BulkheadConfig::reader_idle), 30 s by default. The response
//! itself is not ended, since a reader may pause for good reasons, and goes on without a slot when its reader
//! continues: the limit counts the calls that make progress. Where the resources of such a call must be freed as well,
//! put a deadline layer around the bulkhead: it ends the bodies, read or not. A response that waits for the service, as
//! an event stream does, keeps its slot. This needs no timer except for requests that wait longer than that.
//!
//! A call that finds no free slot waits in its response future, if the [queue](BulkheadConfig::queue) has room, until
//! the sooner of the [longest wait](BulkheadConfig::max_wait) and the deadline: that of its task, or one in the
//! request's extensions. More critical calls are admitted first, and replace less critical ones in a full queue: a call
//! has the [criticality](buttress_core::Criticality::current) of its task, which an outer shedder may have set, and
//! else is [`High`](buttress_core::Criticality::High). The calls that have waited longest are served last once the
//! queue [stands](Order::AdaptiveLifo), as they have the least time left. While it waits, a call holds no reservation
//! of the inner service: it waits with a clone that was not polled ready, and readies that once it has a slot.
//!
//! | result of a call | why |
//! |---|---|
//! | [`BulkheadFull`](buttress_core::Reason::BulkheadFull) | no slot, and no room in the queue |
//! | [`QueueTimeout`](buttress_core::Reason::QueueTimeout) | no slot became free in the longest wait |
//! | [`DeadlineTooShort`](buttress_core::Reason::DeadlineTooShort) | its deadline leaves no time to wait, or to wait any longer |
//! | [`QueueOverloaded`](buttress_core::Reason::QueueOverloaded) | it waited, and made room for what is served before it; or too long, in a queue that [does not drain](BulkheadConfig::controlled_delay) |
//! | [`TenantOverShare`](buttress_core::Reason::TenantOverShare) | its partition or tenant has its share, and the rest is for others |
//!
//! With [partitions](BulkheadConfig::partitions), each partition is guaranteed its share; unused slots are lent out.
//! Under contention, the next slot goes to the waiting partition furthest below its share. A slot in use is not taken
//! back, so a share is back when enough calls have ended. Where calls may not wait, a call that is rejected within its
//! share [reserves](PartitionsConfig::reservation_ttl) a slot for the next. Where there are too many owners to name,
//! [tenants](BulkheadConfig::tenants) have an even part of the room, and as much again as is left free; they are
//! counted in a sketch, so that memory does not depend on their number. Both are found by a [key](BulkheadLayer::key)
//! or a [path](BulkheadLayer::by_path), change at run time, and cost each call a lock.
//!
//! In the modes that do not enforce, calls do not wait either: calls beyond the limit are admitted, and those for which
//! there would have been neither a slot nor room in the queue are counted.
//!
//! # Differences from others
//!
//! From tower's `ConcurrencyLimit`: the limit is in the handle and not in the layer, so the routes and connections of a
//! server share it; readiness holds no slot, so idle clones cannot use the limit up, and a rejected caller leaves no
//! waiter behind that is assigned a slot it does not use; the wait is bounded and respects deadlines; and the slot is
//! held to the end of the body. From `tower-resilience-bulkhead`: a rejection takes no timer, and carries its reason.
//!
//! # Defaults
//!
//! See [`BulkheadConfig`], [`Until::BodyEnd`](buttress_http::Until::BodyEnd) and [`WhenSaturated::Reject`].
//!
//! # Signals
//!
//! The gauges `buttress_bulkhead_in_flight` and `…_queue_length`, the histogram `…_wait_seconds` of requests that
//! waited, `…_rejections_total` and `…_would_reject_total`, all with the label `layer`, the bulkhead's name. Rejections
//! are events at `DEBUG`. They are on where `buttress-metrics` has its features `metrics` and `tracing`: by default in
//! the `buttress` crate; beside this crate alone, name `buttress-metrics` in your manifest.
//!
//! # Ordering
//!
//! Inside a retry, so that a call that waits for its next attempt holds no slot; inside a breaker, so that a call that
//! it rejects takes none. Outside a timeout for each attempt, so that its time is not spent in the queue; inside the
//! layer that sets the deadline.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod bulkhead;
mod by_key;
mod by_path;
mod guard;
mod layer;
mod readiness;
mod service;
mod shared;
mod snapshot;
mod upgrades;

pub use bulkhead::Bulkhead;
pub use buttress_core::WhenSaturated;
pub use buttress_core::bulkhead::BulkheadConfig;
pub use buttress_core::queue::{ControlledDelay, Order};
pub use buttress_core::shares::{PartitionSnapshot, PartitionsConfig, TenantsConfig};
pub use by_key::ByKey;
pub use by_path::ByPath;
pub use guard::BulkheadGuard;
pub use layer::BulkheadLayer;
pub use service::BulkheadService;
pub use snapshot::BulkheadSnapshot;
pub use upgrades::{BulkheadHold, Upgrades};

use buttress_core::Plain;
use buttress_shell::LimitedFuture;
use shared::Shared;

/// The response of a service behind a bulkhead, or the bulkhead's rejection.
pub type ResponseFuture<S, Req, P = Plain> = LimitedFuture<S, Req, Shared, P>;
