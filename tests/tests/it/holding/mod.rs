//! Slots held without progress, over real sockets: clients that do not read, endless streams, upgrades.
mod streams;
mod support;
mod unread;
mod upgrades;
mod uploads;
