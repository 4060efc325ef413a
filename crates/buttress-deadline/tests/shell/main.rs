//! Deadlines as a Tower layer: what becomes of calls, bodies and headers. The sums are for the tests of
//! `buttress-core`, the grammars for those of `buttress-http`.

mod body;
mod cancellation;
mod client;
mod conformance;
mod context;
mod head;
mod local;
mod modes;
mod refusals;
mod server;
mod services;
mod support;
mod unread;
mod unready;
