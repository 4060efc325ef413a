//! Metrics with a local recorder. Tests that install one for the process, or a subscriber, are binaries of their own.

#[cfg(feature = "metrics")]
mod chaos;
mod common;
#[cfg(all(feature = "metrics", feature = "tracing"))]
mod deadline;
mod features;
#[cfg(feature = "metrics")]
mod names;
#[cfg(feature = "metrics")]
mod recorders;
#[cfg(feature = "metrics")]
mod retry;
#[cfg(feature = "metrics")]
mod state_gauge;
