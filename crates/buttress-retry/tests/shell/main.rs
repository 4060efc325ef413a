//! The retry as a Tower layer: what becomes of calls, callers, requests and clones. When another attempt is worth
//! making is for the tests of `buttress-core`.

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
