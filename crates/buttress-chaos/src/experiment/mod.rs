//! Experiments: a steady state, a fault, and whether the one survives the other.

mod figures;
mod observer;
mod report;
mod run;

pub use figures::Figures;
pub use observer::Observer;
pub use report::{ExperimentReport, Outcome};
pub use run::Experiment;
