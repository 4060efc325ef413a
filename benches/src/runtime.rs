//! The runtime whose context the cases run in: timers are made in it, and it is never driven.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// A runtime of one thread, with a clock.
///
/// # Errors
///
/// If the system rejects what a runtime needs.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_time().build()
}
