//! Chaos experiments: whether a service keeps its steady state while faults are injected.
//!
//! # When to use it
//!
//! To find out whether a stack handles a fault as expected: in a test, in staging, or in production within narrow
//! bounds. To inject faults without a hypothesis, as a test does, [`buttress_chaos`] is enough.
//!
//! # Example
//!
//! An [`Experiment`] has a hypothesis and a plan of faults. It does not generate load: a load generator makes calls
//! throughout, and records their results in an [`Observer`]. See [`Experiment`] for a complete example.
//!
//! A [`GameDay`] is a list of experiments from a TOML file:
//!
//! ```
//! use buttress_game_day::GameDay;
//!
//! let game_day = GameDay::from_toml(r#"
//! seed = 7
//!
//! [[experiment]]
//! name = "database down"
//! hypothesis = { failure_ratio = 0.01 }
//!
//! [[experiment.fault]]
//! name = "down"
//! rate = 0.05
//! answer = "error"
//! "#)?;
//! assert_eq!(game_day.experiments()[0].name(), "database down");
//! # Ok::<(), buttress_game_day::GameDayError>(())
//! ```
//!
//! # What it does
//!
//! An experiment measures the steady state, arms the plan, waits for the recovery, and measures again. The injector is
//! disarmed in every case: at the end, if the guard of the plan breaks, by a kill switch, and also if the future of the
//! experiment is dropped or panics. The [`ExperimentReport`] has the [`Outcome`] and the [`Figures`] of each phase.
//!
//! # Defaults
//!
//! See [`Experiment`] and the keys of [`GameDay`].
//!
//! # Signals
//!
//! Those of the injector; see [`buttress_chaos`].

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod experiment;
mod game_day;

pub use experiment::{Experiment, ExperimentReport, Figures, Observer, Outcome};
pub use game_day::{GameDay, GameDayError, GameDayReport};
