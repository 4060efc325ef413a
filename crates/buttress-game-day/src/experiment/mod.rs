//! Experiments: whether a steady state holds while a fault is injected.

mod figures;
mod observer;
mod report;
mod run;

pub use figures::Figures;
pub use observer::Observer;
pub use report::{ExperimentReport, Outcome};
pub use run::Experiment;
