//! What is held while nothing moves, over real sockets: clients that read nothing, streams without an end, upgrades.
#![allow(clippy::unwrap_used)]

mod streams;
mod support;
mod unread;
mod upgrades;
mod uploads;
