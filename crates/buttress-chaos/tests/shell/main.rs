//! The injector as a Tower layer: its effect on calls, bodies and callers. `buttress-core` tests which calls a fault
//! affects.

mod answers;
mod arming;
#[cfg(feature = "game-day")]
mod bad_input;
mod bodies;
mod bounds;
mod conformance;
mod disarmed;
mod experiments;
#[cfg(feature = "game-day")]
mod game_day;
mod guard;
mod refusals;
mod support;
mod switches;
mod telling;
