//! The wait queue: its capacity, its order, and when a wait ends.
//!
//! The oldest waiter is the least valuable: its caller has the least time left to use the response. Oldest first is
//! therefore the right order until the queue is congested, and then the worst: every request waits for almost as long
//! as it may, and many responses arrive too late. See [`Order::AdaptiveLifo`].
//!
//! A queue only stores waiters; it neither blocks nor wakes. That is done by a shell.

mod arena;
mod codel;
mod config;
mod congestion;
mod dequeued;
mod wait_params;
mod wait_queue;

pub use codel::ControlledDelay;
pub use config::{Order, QueueConfig};
pub use dequeued::{Dequeued, Dropped, Enqueued, QueueRefusal};
pub use wait_params::{QuotaHolder, Ticket, WaitParams};
pub use wait_queue::WaitQueue;
