//! Header grammars, and bodies scripted frame by frame. A test that installs a recorder is a binary of its own.

#![allow(clippy::unwrap_used, reason = "a test panics if its set-up is wrong")]

mod deadline;
mod guarded_body;
#[cfg(feature = "hyper")]
mod known_errors;
mod replay;
mod upload;
