//! Whether a failed attempt is made again, and when.
//!
//! An attempt's [`Verdict`] says what its end means for another one; [`RetryRule::decide`] weighs it against how
//! far the call has come, the time that remains, and the budget, in that order: the budget is asked last, because
//! what it grants has to be paid for.

mod decide;
mod rule;
mod stop;
mod verdict;

pub use decide::{Decision, Progress, Terms};
pub use rule::RetryRule;
pub use stop::StopReason;
pub use verdict::{Finding, Safety, Verdict, judge_error};
