//! Faults on purpose for Tower services: they repeat, they stay in bounds, and they end.
//!
//! # When to use it
//!
//! To test how a service handles a dependency that is down, slow or failing in part: in a test, in staging, or for one
//! percent of production. Not to generate load; and not where the effects are not measured, because a fault without a
//! hypothesis proves nothing.
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
//! // One call in ten takes a second longer: the same ones in every run of this plan.
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
//! let layer = ChaosLayer::http(&injector);
//! # let _ = layer;
//!
//! let orders = Target::default().path(Path::Under("/orders".into())).methods(["GET"]);
//! let down = PlannedFault::new("orders-down", Fault::Answer(Answer::Status(503)));
//! let plan = Plan::new(7)
//!     .fault(down.target(orders).rate(Ratio::percent(5)))
//!     .bounds(Bounds::default().blast_radius(Ratio::percent(1)).ttl(Duration::from_secs(120)))
//!     .guard(SteadyStateConfig::default().failure_ratio(Ratio::percent(2)));
//!
//! let armed = injector.arm_scoped(plan)?; // disarmed when it is dropped, also by a panic
//! # drop(armed);
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//!
//! A [`Plan`] has faults, and a call can meet one of each kind: a delay, an answer in place of the inner service's, and
//! something done to the body. Whether a fault hits a call is hash(seed, name of the fault, identity of the call) against
//! its rate, decided when the call is made. The identity is the `x-request-id`, or else the trace id of
//! `traceparent`: then it is the same in every run and on every hop. A call that has neither is known by its turn.
//!
//! The attempts of a call have one identity, and a retry tells their number in `x-attempt`. By default a plan
//! [draws](Draw) for each attempt, so that inside of a retry an attempt can succeed where another failed. With
//! [`Draw::PerCall`] what fails one attempt fails all. The report of an experiment says which it was.
//!
//! | what ends a plan | |
//! |---|---|
//! | [`Injector::disarm`], the drop of an [`Armed`] | at once |
//! | [`Bounds::ttl`] | at its end |
//! | the [guard](Plan::guard): a failure ratio, a latency quantile or a burn rate | with the call that breaks it |
//! | a [kill file, a kill variable](InjectorConfig::kill_file), for all, an experiment or a fault | before the next call is affected |
//!
//! However it ends, calls that hang or wait because of it continue. At no time are more calls affected than
//! [`Bounds::max_active`], or a larger share of them than [`Bounds::blast_radius`].
//!
//! An injector is made disarmed, and nothing but a call in your code arms it. Disarmed it looks at one flag.
//!
//! An injected fault counts as the fault it simulates, so that breakers and budgets react to it: an abort is a
//! connection that broke off in the middle of a call. Where they should not, use
//! [`IgnoreInjected`](buttress_http::IgnoreInjected), which is a classifier for both.
//!
//! Not every fault is seen by every peer. A body that is cut short is found out where its length was said, and passes for
//! whole where it was not; a byte that is wrong is for the reader of the content to find; trailers that are lost pass for
//! a success with tonic's client.
//!
//! # Differences from others
//!
//! From `tower-resilience-chaos`: the same calls are hit with any number of threads and in any order of polls; delays
//! below a millisecond are kept; there are faults of the body; and disarmed it neither locks nor allocates. From Envoy's
//! fault filter: what is active at one time is bounded exactly, and two runs are the same run.
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
//! Innermost, next to what it plays: then every layer around it meets the fault as it would meet the real one.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod body;
mod config;
mod damage;
mod experiment;
mod future;
#[cfg(feature = "game-day")]
mod game_day;
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
pub use experiment::{Experiment, ExperimentReport, Figures, Observer, Outcome};
pub use future::ResponseFuture;
#[cfg(feature = "game-day")]
pub use game_day::{GameDay, GameDayError, GameDayReport};
pub use injector::{ArmError, Armed, Injector};
pub use layer::ChaosLayer;
pub use protocol::{FaultTarget, HttpCalls, InjectResponse, PlainCalls};
pub use service::ChaosService;
pub use snapshot::InjectorSnapshot;
