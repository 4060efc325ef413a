//! The retry as a Tower layer: calls, callers, requests and clones. `buttress-core` tests when an attempt is retried.

mod beside;
mod budget;
mod cancellation;
mod conformance;
mod deadline;
mod hedging;
mod http;
mod modes;
mod resent;
mod retrying;
mod support;
mod tiers;
mod uploads;
