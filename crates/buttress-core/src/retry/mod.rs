//! Decides whether a failed attempt is retried, and when.
//!
//! An attempt's result has a [`Classification`]; [`RetryRule::decide`] checks it against the number of attempts, the
//! remaining time and the budget, in that order. The budget is last, because a reservation spends it.

mod classification;
mod decide;
mod rule;
mod stop;

pub use classification::{Classification, RetryClass, Safety, judge_error};
pub use decide::{CallTerms, Decision, Progress};
pub use rule::RetryRule;
pub use stop::StopReason;
