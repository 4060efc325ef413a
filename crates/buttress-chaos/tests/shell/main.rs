//! The injector as a Tower layer: what it does to calls, bodies and callers. Whom it hits is for the tests of
//! `buttress-core`.

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
