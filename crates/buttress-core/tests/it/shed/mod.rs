//! The shedder's rules, against a naive reference and against invariants, with random steps.

mod accounting;
mod answers;
mod config;
mod given_up;
mod next;
mod refinement;
mod rules;
mod service;
mod shares;
mod wakers;
