//! Fault injection for Tower services: reproducible, within bounds, and with an end.
//!
//! # When to use it
//!
//! To test how a service handles a dependency that is down, slow or partly failing: in a test, in staging, or for one
//! percent of production. Do not use it to generate load, or where the effects are not measured, because a fault
//! without a hypothesis proves nothing: the crate `buttress-game-day` runs experiments.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use buttress_chaos::{ChaosLayer, Fault, Injector, InjectorConfig, Latency, Plan, PlannedFault, Ratio};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), buttress_core::BoxError> {
//! let injector = Injector::new("database", InjectorConfig::default());
//! let service = ServiceBuilder::new()
//!     .layer(ChaosLayer::new(&injector))
//!     .service_fn(|query: &'static str| async move { Ok::<_, std::io::Error>(query.len()) });
//!
//! // One call in ten is delayed by a second: the same calls in every run of this plan.
//! let slow = PlannedFault::new("slow", Fault::Delay(Latency::Fixed(Duration::from_secs(1))));
//! injector.arm(Plan::new(7).fault(slow.rate(Ratio::percent(10))))?;
//! assert_eq!(service.oneshot("select 1").await?, 8);
//! injector.disarm();
//! # Ok(())
//! # }
//! ```
//!
//! For HTTP and gRPC, with bounds and a guard:
//!
//! ```
//! use std::time::Duration;
//! use buttress_chaos::{
//!     Answer, Bounds, ChaosLayer, Fault, Injector, InjectorConfig, Path, Plan, PlannedFault, Ratio,
//!     SteadyStateConfig, Target,
//! };
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), buttress_core::BoxError> {
//! let injector = Injector::new(
//!     "gateway",
//!     InjectorConfig::default().fault_header(true).kill_file(std::path::PathBuf::from("chaos.kill")),
//! );
//! let layer = ChaosLayer::client(&injector);
//! # let _ = layer;
//!
//! let orders = Target::default().path(Path::Under("/orders".into())).methods(["GET"]);
//! let down = PlannedFault::new("orders-down", Fault::Answer(Answer::Status(503)));
//! let plan = Plan::new(7)
//!     .fault(down.target(orders).rate(Ratio::percent(5)))
//!     .bounds(Bounds::default().blast_radius(Ratio::percent(1)).ttl(Duration::from_secs(120)))
//!     .guard(SteadyStateConfig::default().failure_ratio(Ratio::percent(2)));
//!
//! let armed = injector.arm_scoped(plan)?; // disarms when it is dropped, also by a panic
//! # drop(armed);
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//!
//! A [`Plan`] has faults, and a call can have one of each kind: a delay, a response in place of the inner service's,
//! and a fault in the body. Whether a fault affects a call is decided when the call is made: hash(seed, name of the
//! fault, identity of the call) against its rate. The identity is the `x-request-id`, or else the trace id of
//! `traceparent`, so it is the same in every run and on every hop. A call that has neither is identified by its
//! number.
//!
//! All attempts of a call have one identity, and a retry sends the number of the attempt in `x-attempt`. By default a
//! plan [decides](Draw) for each attempt, so that inside a retry one attempt can succeed after another failed. With
//! [`Draw::PerCall`] a fault affects all attempts of a call. The report of an experiment has this setting.
//!
//! | what ends a plan | when |
//! |---|---|
//! | [`Injector::disarm`], the drop of an [`Armed`] | at once |
//! | [`Bounds::ttl`] | when it has passed |
//! | the [guard](Plan::guard): a failure ratio, a latency quantile or a burn rate | with the call that breaks it |
//! | a [kill file, a kill variable](InjectorConfig::kill_file), for all, an experiment or a fault | before the next call is affected |
//!
//! When a plan ends, calls that hang or wait because of it continue. At no time are more calls affected than
//! [`Bounds::max_active`], or a larger ratio of them than [`Bounds::blast_radius`].
//!
//! An injector is created disarmed, and only a call in your code arms it. Disarmed, it reads one flag.
//!
//! An injected fault counts as the failure that it simulates, so that breakers and budgets react to it: an abort is a
//! connection that is lost in the middle of a call. If they should not react, use
//! [`IgnoreInjected`](buttress_http::IgnoreInjected), a classifier for both.
//!
//! Not every peer detects every fault. A body that is cut short is detected if its length was sent, and otherwise
//! taken as complete; a wrong byte is detected only by the reader of the content; lost trailers are a success for
//! tonic's client.
//!
//! # Differences from others
//!
//! From `tower-resilience-chaos`: the same calls are affected with any number of threads and in any order of polls;
//! delays below a millisecond are kept; there are faults in bodies; and when disarmed it neither locks nor allocates.
//! From Envoy's fault filter: the number of active faults has an exact bound, and two runs are the same.
//!
//! # Defaults
//!
//! See [`InjectorConfig`], [`Bounds`] and [`SteadyStateConfig`].
//!
//! # Signals
//!
//! `buttress_chaos_faults_total` and `…_suppressed_total`, and the gauges `buttress_chaos_active` and
//! `buttress_chaos_armed`, all with the label `layer`, the injector's name. Arming and disarming are events at `WARN`.
//!
//! # Ordering
//!
//! Innermost, next to the dependency that it simulates: then every other layer meets the fault as it would meet a
//! real one.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod body;
mod config;
mod damage;
mod future;
mod injection;
mod injector;
mod layer;
mod protocol;
mod service;
mod shared;
mod snapshot;
mod switch;
mod wait;

pub use body::FaultyBody;
pub use buttress_core::Ratio;
pub use buttress_core::chaos::{
    Answer, BodyFault, Bounds, Breach, Decision, Draw, Fault, Hit, Key, Latency, Measure, Path,
    Plan, PlanError, PlannedFault, SteadyStateConfig, Subject, Subset, TRIGGER_HEADER, Target,
    Trigger,
};
pub use config::InjectorConfig;
pub use future::ResponseFuture;
pub use injector::{ArmError, Armed, Injector};
pub use layer::ChaosLayer;
pub use protocol::{FaultTarget, HttpCalls, InjectResponse, PlainCalls};
pub use service::ChaosService;
pub use snapshot::InjectorSnapshot;
