//! The breaker as a Tower layer: effects on calls, callers and clones. `buttress-core` tests the transitions.

mod attribution;
mod blame;
mod cancellation;
mod conformance;
mod control;
mod half_open;
mod http;
mod keyed;
mod modes;
mod panics;
mod probe_slots;
mod runtime;
mod services;
mod state;
mod support;
mod unready;
mod uploads;
mod waiter;
