//! A bulkhead for Tower services: a limit on requests in flight, with a short, fair and bounded queue.
//!
//! # When to use it
//!
//! Around a resource for a known number of concurrent calls: a pool of connections, a handler that needs much memory,
//! a dependency that has other users. If such a resource is slow, its calls cannot take all slots of the service. If
//! the number is not known, use a load shedder, which measures it. A bulkhead does not limit the rate of calls.
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
//! // The call holds the only slot until it ends.
//! let first = service.ready().await?.call("yearly");
//! let error = service.ready().await?.call("monthly").await.unwrap_err();
//! let rejection = Rejection::find(&*error).expect("the bulkhead rejects");
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
//! let layer = BulkheadLayer::server(&api);
//! # let _ = layer;
//!
//! // Later, from any task:
//! api.reconfigure(config.limit(32))?; // calls in flight are kept
//! println!("{:?}", api.snapshot());
//! # Ok::<_, buttress_core::ConfigError>(())
//! ```
//!
//! One limit for several purposes, each with a guaranteed share:
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
//! let layer = BulkheadLayer::server(&api).by_path(); // `/checkout/42` is in `/checkout`
//! # let _ = layer;
//!
//! // Or by any other property of a request:
//! let layer = BulkheadLayer::server(&api).key(|request: &Request<String>| request.uri().path().into());
//! # let _ = layer;
//! # Ok::<_, buttress_core::ConfigError>(())
//! ```
//!
//! # What it does
//!
//! A call takes a slot when it is made, and returns it when it ends: with its future, and with the `Http` protocol
//! with the body of its response. A service that is ready but not called holds no slot, so idle connections and
//! clones use none, except with [`WhenSaturated::Unready`].
//!
//! An upgrade, for example to a websocket, ends with its response, `101 Switching Protocols`, and releases its slot:
//! a layer cannot observe the connection after it. To count connections, let the handler keep a [`BulkheadHold`].
//!
//! A response that is not read keeps its slot only while no other request needs it: otherwise a client that does not
//! read from its connection would hold a slot without limit. When a call finds no free slot, the bulkhead takes back
//! the slots of bodies that were not polled for [`reader_idle`](BulkheadConfig::reader_idle), 30 s by default. The
//! response itself is not ended, because a reader may pause for good reasons, and continues without a slot when its
//! reader does: the limit counts the calls that make progress. To free the resources of such a call as well, put a
//! deadline layer around the bulkhead, which ends bodies whether they are read or not. A response that waits for the
//! service, such as an event stream, keeps its slot. Only requests that wait longer than `reader_idle` need a timer
//! for this.
//!
//! A call that finds no free slot waits in its response future, if the [queue](BulkheadConfig::queue) has room, until
//! the earlier of the [longest wait](BulkheadConfig::max_wait) and the deadline of its task or its request's
//! extensions. More critical calls are admitted first, and evict less critical ones from a full queue. A call has the
//! [criticality](buttress_core::Criticality::current) of its task, which an outer shedder may have set, or else
//! [`High`](buttress_core::Criticality::High). Once the queue is [congested](Order::AdaptiveLifo), the calls that
//! have waited longest are served last, because they have the least time left. While it waits, a call holds no
//! reservation of the inner service: it waits with a clone that was not polled ready, and polls it ready once it has
//! a slot.
//!
//! | rejection | cause |
//! |---|---|
//! | [`BulkheadFull`](buttress_core::Reason::BulkheadFull) | no free slot, and the queue is full |
//! | [`QueueTimeout`](buttress_core::Reason::QueueTimeout) | no slot became free within the longest wait |
//! | [`DeadlineTooShort`](buttress_core::Reason::DeadlineTooShort) | its deadline leaves no time to wait, or to wait longer |
//! | [`QueueOverloaded`](buttress_core::Reason::QueueOverloaded) | it was evicted from the queue by a call that is served before it, or waited too long in a queue that [does not drain](BulkheadConfig::controlled_delay) |
//! | [`TenantOverShare`](buttress_core::Reason::TenantOverShare) | its partition or tenant has used up its share, and the other slots are reserved |
//!
//! With [partitions](BulkheadConfig::partitions), each partition is guaranteed its share; unused slots are lent out.
//! Under contention, the next slot goes to the waiting partition furthest below its share. A slot in use is not taken
//! back, so a partition gets its share back when enough calls have ended. Without a queue, a call that is rejected
//! within its share [reserves](PartitionsConfig::reservation_ttl) a slot for the next. If the owners cannot be listed in
//! advance, each of the [tenants](BulkheadConfig::tenants) gets an even part of the limit, and may borrow as much
//! again of what is free; they are counted in a sketch, so that memory does not depend on their number. A partition
//! or tenant is determined by a [key](BulkheadLayer::key) or a [path](BulkheadLayer::by_path). Shares can be changed
//! at run time, and each call takes a lock.
//!
//! In the modes that do not enforce, calls do not wait: calls beyond the limit are admitted, and those that would
//! have found neither a slot nor room in the queue are counted.
//!
//! # Differences from others
//!
//! From tower's `ConcurrencyLimit`: the limit is in the handle and not in the layer, so the routes and connections of
//! a server share it; readiness holds no slot, so idle clones cannot use up the limit, and a rejected caller leaves
//! no waiter in the queue; the wait is bounded and respects deadlines; and the slot is held to the end of the body.
//! From `tower-resilience-bulkhead`: a rejection needs no timer, and has a reason.
//!
//! # Defaults
//!
//! See [`BulkheadConfig`], [`Until::BodyEnd`](buttress_http::Until::BodyEnd) and [`WhenSaturated::Reject`].
//!
//! # Signals
//!
//! The gauges `buttress_bulkhead_in_flight` and `…_queue_length`, the histogram `…_wait_seconds` of requests that
//! waited, `…_rejections_total` and `…_would_reject_total`, all with the label `layer`, the bulkhead's name.
//! Rejections are events at `DEBUG`. The features `metrics` and `tracing`, which are on by default, enable them.
//!
//! # Ordering
//!
//! Inside a retry, so that a call that waits for its next attempt holds no slot; inside a breaker, so that a call
//! that it rejects takes none. Outside a timeout for each attempt, so that the wait in the queue is not part of it;
//! inside the layer that sets the deadline.

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

/// The response future of [`BulkheadService`], or the bulkhead's rejection.
pub type ResponseFuture<S, Req, P = Plain> = LimitedFuture<S, Req, Shared, P>;
