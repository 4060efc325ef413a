//! The shedder as a Tower layer: effects on calls, callers and clones. `buttress-core` tests the limits.

mod cancellation;
mod conformance;
mod criticality;
mod deadlines;
mod http;
mod limits;
mod modes;
mod panics;
mod pressure;
mod refusals;
mod resize;
mod retry_after;
mod runtime;
mod scene;
mod standing;
mod support;
mod tenants;
mod throttle;
mod trust;
mod uploads;
