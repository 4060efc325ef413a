//! Exact sliding windows over the outcomes of calls, by count or by time.
//!
//! A window has two halves. Calls that succeed in time are nearly all calls and cannot open a circuit, so they are only
//! counted, without a lock, in [`Successes`]. Calls that failed or were slow go to the [`History`], under the lock of
//! the window's owner. A read adds the two halves up.

mod count;
mod history;
mod kind;
mod successes;
mod tick;
mod time;

pub use history::{Counts, History, Mark};
pub use kind::Window;
pub use successes::{Generation, Successes};
pub(crate) use tick::{Memo, Slot};

/// The number of buckets of a time window. The window spans the elapsed part of the current bucket and the fifteen
/// buckets before it: between 15/16 of its length and all of it.
pub(crate) const BUCKETS: usize = 16;
