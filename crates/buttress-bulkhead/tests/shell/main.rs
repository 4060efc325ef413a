//! The bulkhead as a Tower layer.
#![allow(clippy::unwrap_used)]

mod conformance;
