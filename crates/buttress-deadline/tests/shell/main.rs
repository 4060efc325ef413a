//! Deadlines as a Tower layer: calls, bodies and headers. `buttress-core` tests the arithmetic, `buttress-http` the
//! header grammars.

mod body;
mod cancellation;
mod client;
mod conformance;
mod context;
mod head;
mod local;
mod modes;
mod reconfigure;
mod refusals;
mod server;
mod services;
mod support;
mod unread;
mod unready;
