//! Whether a failed attempt is made again.

mod stop;
mod verdict;

pub use stop::StopReason;
pub use verdict::{Finding, Safety, Verdict, judge_error};
