//! The injector as a Tower layer: its effect on calls, bodies and callers. `buttress-core` tests which calls a fault
//! affects.

mod answers;
mod arming;
mod bodies;
mod bounds;
mod conformance;
mod disarmed;
mod guard;
mod refusals;
mod support;
mod switches;
mod telling;
