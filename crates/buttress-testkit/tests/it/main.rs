//! The suite itself: that it finds faults, and how it reports them.

mod faults;
mod harness;
mod report;
