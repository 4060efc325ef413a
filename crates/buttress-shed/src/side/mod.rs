//! What a layer reads from a request: from any, from one that arrives over HTTP, and from one that goes out.

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

/// The side of a call that a layer is on: what it reads from the request, and what it writes to it.
///
/// A method is called only where its value is needed. [`Plain`](buttress_core::Plain),
/// [`Classified`](buttress_core::Classified), [`FromFn`], [`Server`] and [`Client`] are such sides.
pub trait Side<Req> {
    /// What reads the outcome of the call.
    type Protocol: Clone;

    /// What reads the outcome of the call.
    fn protocol(&self) -> &Self::Protocol;

    /// How much the request matters.
    fn criticality(&self, request: &Req) -> Criticality;

    /// By when its answer is wanted.
    fn deadline(&self, request: &Req) -> Option<Deadline>;

    /// Until when its caller waits, as the request itself says that arrives `now`: for judging timeouts.
    fn caller_deadline(&self, request: &Req, now: Instant) -> Option<Deadline> {
        let _ = (request, now);
        None
    }

    /// What its caller still owes of a request that is sent on `now`, if anything keeps count of that.
    fn upload(&self, request: &Req, now: Instant) -> Option<Upload> {
        let _ = (request, now);
        None
    }

    /// A hash of what names the request, if anything does.
    fn identity(&self, request: &Req) -> Option<u64>;

    /// The tenant of the request, if it has one.
    fn tenant<'a>(&self, request: &'a Req) -> Option<TenantName<'a>>;

    /// Task context for calls made while handling this request, if it differs from the current one.
    fn context(&self, request: &Req) -> Option<TaskContext>;

    /// Writes the criticality and deadline headers.
    fn tell(&self, request: &mut Req);
}

/// What names a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantName<'a> {
    /// A number or a hash.
    Number([u8; 8]),
    /// A word, as the request has it.
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
