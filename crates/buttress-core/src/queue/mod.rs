//! The wait queue: who waits for a place, in which order they get one, and who is not kept waiting.
//!
//! What waits longest is worth least: its caller has the least time left to use the answer. A queue that serves
//! its oldest first is therefore the right one until it stands, and then the worst: everybody waits for almost
//! as long as they can, and much of what is served comes too late. See [`Order::AdaptiveLifo`].
//!
//! A queue holds nothing but what it is given, makes nobody wait by itself and wakes nobody: a shell does that.

mod arena;
mod codel;
mod config;
mod exit;
mod standing;
mod terms;
mod wait_queue;

pub use codel::ControlledDelay;
pub use config::{Order, QueueConfig};
pub use exit::{Dropped, Exit, Pushed, QueueRefusal};
pub use terms::{Entitled, Terms, Ticket};
pub use wait_queue::WaitQueue;
