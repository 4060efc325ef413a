//! The shedder as a Tower layer: what becomes of calls, callers and clones. When a limit moves is for the tests of
//! `buttress-core`.

mod cancellation;
mod conformance;
mod criticality;
mod limits;
mod modes;
mod panics;
mod scene;
mod support;
