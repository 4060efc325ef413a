//! The bulkhead as a Tower layer: effects on calls, callers and clones.
#![allow(clippy::unwrap_used)]

mod cancellation;
mod conformance;
mod criticality;
mod deadlines;
mod http;
mod modes;
mod panics;
mod partitions;
mod refusals;
mod resize;
mod runtime;
mod services;
mod standing;
mod support;
mod unread;
mod unready;
