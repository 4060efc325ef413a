//! Whether a failed attempt is made again, and when.
//!
//! An attempt's [`Verdict`] classifies its result; [`RetryRule::decide`] weighs it against the number of attempts, the
//! remaining time and the budget, in that order: the budget is last, because a reservation has to be paid for.

mod decide;
mod rule;
mod stop;
mod verdict;

pub use decide::{Decision, Progress, Terms};
pub use rule::RetryRule;
pub use stop::StopReason;
pub use verdict::{Finding, Safety, Verdict, judge_error};
