//! The runtime in whose context the cases run: timers are created in it, and it is never driven.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// Returns a runtime with one thread and a clock.
///
/// # Errors
///
/// If the system does not provide what a runtime needs.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_time().build()
}
