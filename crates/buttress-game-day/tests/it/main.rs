//! Experiments and game days, with a paused clock.

mod bad_input;
mod experiments;
mod game_day;
