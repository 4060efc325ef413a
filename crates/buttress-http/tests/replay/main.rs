//! Bodies that are sent more than once: each attempt sends what the first would have sent.

mod frames;
mod hosts;
mod takeover;
