//! Faults on purpose: what to inject, into which calls, and when to stop.
//!
//! A [`Plan`] says it all, and [`Plan::decide`] is a pure function: whether a call is hit is
//! hash(seed, name of the fault, identity of the call and number of the attempt), so the same request meets the same
//! fault on every run, on every hop and in any order of threads. Each fault draws for itself. An [`ArmedPlan`] is a plan
//! at work: it counts, and it holds the plan to its [`Bounds`]. A [`SteadyState`] says when enough is enough.
//!
//! The shape of the faults is that of Envoy's fault filter and gRPC's proposal A33 (delay and answer drawn
//! independently, headers that may ask for less than the configuration allows and never for more). Theirs are
//! drawn from a shared generator, so that no run can be had twice; ours are not.

mod armed_plan;
mod asked;
mod bounds;
mod decide;
mod fault;
mod latency;
mod plan;
mod planned_fault;
mod steady_state;
mod target;

pub use armed_plan::{Active, ArmedPlan, End, Suppressed, Verdict};
pub use bounds::Bounds;
pub use decide::{Decision, Hit};
pub use fault::{Answer, BodyFault, Fault};
pub use latency::Latency;
pub use plan::{Draw, Plan, PlanError};
pub use planned_fault::{PlannedFault, Trigger};
pub use steady_state::{Breach, Measure, SteadyState, SteadyStateConfig};
pub use target::{Key, Path, Subject, Subset, Target};

/// The header that asks for faults with [`Trigger::Header`]: their names, separated by commas, each with an
/// optional share of calls (`slow, down;25%`).
pub const TRIGGER_HEADER: &str = "x-buttress-chaos";
