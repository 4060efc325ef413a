//! Fault injection: which faults, into which calls, and when to stop.
//!
//! A [`Plan`] has the configuration, and [`Plan::decide`] is a pure function: whether a call is affected is hash(seed,
//! name of the fault, identity of the call and number of the attempt), so the same request has the same fault on every
//! run, on every hop and in any order of threads. Each fault is decided independently. An [`ArmedPlan`] counts the
//! affected calls, and enforces the [`Bounds`] of the plan. A [`SteadyState`] ends the plan when it no longer holds.
//!
//! The shape of the faults is that of Envoy's fault filter and gRPC's proposal A33 (delay and response decided
//! independently, headers that may request less than the configuration allows and never more). Theirs use a shared
//! random generator, so that no run can be repeated; these do not.

mod armed_plan;
mod bounds;
mod decide;
mod fault;
mod latency;
mod plan;
mod planned_fault;
mod steady_state;
mod target;
mod trigger_header;

pub use armed_plan::{Active, ArmedPlan, End, Suppressed, Verdict};
pub use bounds::Bounds;
pub use decide::{Decision, Hit};
pub use fault::{Answer, BodyFault, Fault};
pub use latency::Latency;
pub use plan::{Draw, Plan, PlanError};
pub use planned_fault::{PlannedFault, Trigger};
pub use steady_state::{Breach, Measure, SteadyState, SteadyStateConfig};
pub use target::{Key, Path, Subject, Subset, Target};

/// The header that requests faults with [`Trigger::Header`]: their names, separated by commas, each with an optional
/// share of calls (`slow, down;25%`).
pub const TRIGGER_HEADER: &str = "x-buttress-chaos";
