//! The side of a call that a layer is on: what it reads there, and what it writes.

mod client;
mod local;
mod server;

use std::time::Instant;

use buttress_core::{Deadline, Reason, TaskContext};

pub use client::Client;
pub use local::Local;
pub use server::Server;

use crate::deadline_timer::DeadlineTimer;

/// The side of the call that a request is on.
#[expect(
    unnameable_types,
    reason = "a sealed trait: a type that cannot be named cannot be implemented"
)]
pub trait Side<Req>: Copy {
    /// The deadline of a call that arrives `now` in a task with the deadline `outer`.
    fn decide(
        &self,
        now: Instant,
        outer: Option<Deadline>,
        request: &Req,
    ) -> Result<Option<Deadline>, Reason>;

    /// Writes the deadline to the request.
    fn tell(&self, now: Instant, deadline: Deadline, request: &mut Req);

    /// The identity of the call, for modes that enforce for a share of calls.
    fn identity(&self, request: &Req) -> Option<u64>;
}

/// What becomes of the response.
#[expect(
    unnameable_types,
    reason = "a sealed trait: a type that cannot be named cannot be implemented"
)]
pub trait Conclude<Res> {
    /// What the caller gets.
    type Response;

    /// Follows the response to the end of its body, if it has one.
    fn conclude(
        response: Res,
        context: &mut Option<TaskContext>,
        watch: &mut Option<DeadlineTimer>,
    ) -> Self::Response;
}
