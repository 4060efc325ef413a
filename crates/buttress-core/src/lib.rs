//! The rules of Buttress: the decisions of its layers, as state machines without IO, clocks, threads or Tower.
//!
//! Time and randomness are arguments: a rule takes `now` and random numbers, so a test or a simulation can drive
//! it anywhere. The shells (`buttress-breaker` and its siblings) adapt these rules to `tower_service::Service`;
//! users start at the `buttress` crate.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod backoff;
mod blame;
pub mod budget;
pub mod bulkhead;
mod chain;
pub mod chaos;
pub mod circuit;
mod classify;
mod client_deadline;
mod config_error;
mod criticality;
mod deadline;
mod ending;
mod foreign;
mod guard;
pub mod hedge;
mod identity;
pub mod limit;
mod mode;
mod name;
mod outcome;
mod pressure;
mod protocol;
mod quantile;
pub mod queue;
mod ratio;
mod reason;
mod rejection;
pub mod retry;
mod server_deadline;
pub mod shares;
pub mod shed;
mod stripe;
mod striped;
mod sync;
mod task_context;
pub mod text;
mod throttle;
mod time;
mod upload;
mod when_saturated;
pub mod window;

pub use backoff::{Backoff, Jitter};
pub use chain::chain;
pub use classify::{ClassifiedError, classify_error, classify_known_error};
pub use client_deadline::ClientDeadline;
pub use config_error::ConfigError;
pub use criticality::Criticality;
pub use deadline::Deadline;
pub use ending::Ending;
pub use foreign::{ErrorReading, ReadError, read_errors_with};
pub use guard::{Guard, PanicWatch, Turn};
pub use identity::{Identify, StableHash};
pub use mode::Mode;
pub use name::Name;
pub use outcome::{FailureKind, Outcome, Report};
pub use pressure::{Pressure, PressureConfig};
pub use protocol::{Classified, Plain, Protocol};
pub use quantile::LatencyQuantiles;
pub use ratio::Ratio;
pub use reason::{LayerKind, Reason, RejectionClass, Scope};
pub use rejection::{BoxError, Rejection};
pub use server_deadline::ServerDeadline;
pub use stripe::StripeIndex;
pub use striped::{Lease, Striped};
pub use task_context::TaskContext;
pub use throttle::{Throttle, ThrottleConfig, ThrottleSnapshot};
pub use upload::Upload;
pub use when_saturated::WhenSaturated;
