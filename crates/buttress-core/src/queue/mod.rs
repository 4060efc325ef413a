//! The wait queue: its capacity, its order, and when a wait ends.
//!
//! The oldest waiter is the least valuable: its caller has the least time left to use the response. An order of oldest
//! first is therefore right until the queue stands, and then the worst: every request waits for almost as long as it
//! can, and many responses come too late. See [`Order::AdaptiveLifo`].
//!
//! A queue only stores what it is given; it neither blocks nor wakes. A shell does that.

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
