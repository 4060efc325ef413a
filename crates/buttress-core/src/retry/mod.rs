//! Whether a failed attempt is made again, and when.
//!
//! An attempt's result has a [`Classification`]; [`RetryRule::decide`] weighs it against the number of attempts, the
//! remaining time and the budget, in that order: the budget is last, because a reservation has to be paid for.

mod classification;
mod decide;
mod rule;
mod stop;

pub use classification::{Classification, RetryClass, Safety, judge_error};
pub use decide::{CallTerms, Decision, Progress};
pub use rule::RetryRule;
pub use stop::StopReason;
