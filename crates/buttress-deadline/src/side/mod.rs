//! What a layer reads from a request and writes to it, for servers, clients and other calls.

mod client;
mod local;
mod server;

use std::time::Instant;

use buttress_core::{Deadline, Reason, TaskContext};

pub use client::Client;
pub use local::Local;
pub use server::Server;

use crate::current::Current;
use crate::deadline_timer::DeadlineTimer;
use crate::deadlines::Config;

/// The handle of a layer, and which of the configurations it has.
#[expect(
    unnameable_types,
    reason = "a sealed trait: a type that cannot be named cannot be implemented"
)]
pub trait Kind: Clone {
    /// The configuration.
    type Config: Config;

    /// Returns the handle and the configuration.
    fn current(&self) -> &Current<Self::Config>;

    /// Returns them, mutable.
    fn current_mut(&mut self) -> &mut Current<Self::Config>;
}

/// How the deadline of a request is read and written.
#[expect(
    unnameable_types,
    reason = "a sealed trait: a type that cannot be named cannot be implemented"
)]
pub trait Side<Req>: Kind {
    /// Returns the deadline of a call that starts `now` in a task with the deadline `outer`.
    fn decide(
        &self,
        now: Instant,
        outer: Option<Deadline>,
        request: &Req,
    ) -> Result<Option<Deadline>, Reason>;

    /// Writes the deadline to the request.
    fn tell(&self, now: Instant, deadline: Deadline, request: &mut Req);

    /// Returns the identity of the call, for modes that enforce for a share of calls.
    fn identity(&self, request: &Req) -> Option<u64>;
}

/// How a response is followed to its end.
#[expect(
    unnameable_types,
    reason = "a sealed trait: a type that cannot be named cannot be implemented"
)]
pub trait Conclude<Res> {
    /// The response for the caller.
    type Response;

    /// Wraps the body of the response, if it has one.
    fn conclude(
        response: Res,
        context: &mut Option<TaskContext>,
        watch: &mut Option<DeadlineTimer>,
    ) -> Self::Response;
}
