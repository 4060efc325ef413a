//! The cost of Buttress, measured and compared with its peers: the common code of the benches.
//!
//! A bench takes [`Case`]s from [`cases`], measures them in [`timing`], [`callgrind`], [`allocations`] or
//! [`contention`], and prints a [`Table`](table::Table) and writes [`Results`](json::Results).

pub mod allocations;
pub mod callgrind;
mod case;
pub mod cases;
pub mod contention;
mod drive;
pub mod json;
mod measure;
mod options;
mod recorder;
mod row;
mod runtime;
pub mod table;
mod target;
pub mod timing;

pub use case::{Case, Instance, Scaling};
pub use drive::{Answer, Drive, Lane, Work};
pub use measure::measure;
pub use options::{Count, Options};
pub use row::{Figures, Row, judge};
pub use runtime::runtime;
pub use target::Target;
