//! What a layer reads from a request: for any service, for HTTP servers, and for HTTP clients.

mod client;
mod local;
mod server;
mod trust;

use std::time::Instant;

use buttress_core::{Criticality, Deadline, TaskContext, Upload};

pub use client::Client;
pub use local::{Caller, FromFn};
pub use server::Server;
pub use trust::Trust;

/// What a layer reads from a request, and what it writes to it.
///
/// Each method is called only if its value is needed. [`Plain`](buttress_core::Plain),
/// [`Classified`](buttress_core::Classified), [`FromFn`], [`Server`] and [`Client`] implement it.
pub trait Side<Req> {
    /// The protocol that reads the outcome of the call.
    type Protocol: Clone;

    /// Returns the protocol that reads the outcome of the call.
    fn protocol(&self) -> &Self::Protocol;

    /// Returns the criticality of the request.
    fn criticality(&self, request: &Req) -> Criticality;

    /// Returns the deadline of the request.
    fn deadline(&self, request: &Req) -> Option<Deadline>;

    /// Returns until when the caller waits, according to the request itself, which arrives `now`. Used to classify
    /// timeouts.
    fn caller_deadline(&self, request: &Req, now: Instant) -> Option<Deadline> {
        let _ = (request, now);
        None
    }

    /// Returns the upload of a request that is sent on `now`, if it is tracked.
    fn upload(&self, request: &Req, now: Instant) -> Option<Upload> {
        let _ = (request, now);
        None
    }

    /// Returns a hash of the request's identity, if it has one.
    fn identity(&self, request: &Req) -> Option<u64>;

    /// Returns the tenant of the request, if it has one.
    fn tenant<'a>(&self, request: &'a Req) -> Option<TenantName<'a>>;

    /// Returns the task context for calls made while handling this request, if it differs from the current one.
    fn context(&self, request: &Req) -> Option<TaskContext>;

    /// Writes the criticality and deadline headers.
    fn tell(&self, request: &mut Req);
}

/// The identity of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantName<'a> {
    /// A number or a hash.
    Number([u8; 8]),
    /// A name, as in the request.
    Text(&'a [u8]),
}

impl AsRef<[u8]> for TenantName<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Number(bytes) => bytes,
            Self::Text(bytes) => bytes,
        }
    }
}
