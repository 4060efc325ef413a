//! Bodies that are sent more than once: each attempt sends the same frames.
mod frames;
mod hosts;
mod memory;
mod takeover;
