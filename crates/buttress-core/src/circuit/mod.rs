//! The circuit: when to admit, when to reject, and what moves it.

mod state;

pub use state::{Cause, CircuitState, Transition};
