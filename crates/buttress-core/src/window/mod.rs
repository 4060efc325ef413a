//! Exact sliding windows over the outcomes of calls, by count or by time.
//!
//! A window is in two halves. Calls that succeeded in time are nearly all calls and can trip nothing, so they are only
//! counted, without a lock, in [`Successes`]. Calls that failed or were slow go to the [`History`], under the lock of
//! the window's owner, and there the two halves are added up.

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

/// How many buckets a time window is divided into. The window spans the current bucket, as far as it has
/// come, and the fifteen before it: between 15/16 of its length and all of it.
pub(crate) const BUCKETS: usize = 16;
