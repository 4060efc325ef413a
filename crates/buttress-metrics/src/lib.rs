//! The signals of Buttress: every metric and every tracing event, in one place.
//!
//! A layer says what happened as an event: [`BreakerEvent`], [`ChaosEvent`], [`DeadlineEvent`],
//! [`HedgeEvent`], [`HttpEvent`], [`LimiterEvent`], [`ProblemEvent`] or [`RetryEvent`]. This crate, and no other, turns
//! events into `metrics` and `tracing`. Users meet it only through what it emits, listed below; authors of layers hold
//! one `…Signals` for each handle and call `emit`.
//!
//! ```
//! use buttress_core::{Outcome, Reason};
//! use buttress_metrics::{BreakerEvent, BreakerSignals};
//!
//! let signals = BreakerSignals::new("payments".into());
//! signals.emit(BreakerEvent::Settled(Outcome::Success));
//! signals.emit(BreakerEvent::Rejected(Reason::CircuitOpen));
//! ```
//!
//! # Metrics
//!
//! | name | kind | unit | labels |
//! |---|---|---|---|
//! | `buttress_breaker_calls_total` | counter | count | `layer`, `outcome` |
//! | `buttress_breaker_slow_calls_total` | counter | count | `layer` |
//! | `buttress_breaker_stale_outcomes_total` | counter | count | `layer` |
//! | `buttress_breaker_rejections_total` | counter | count | `layer`, `reason` |
//! | `buttress_breaker_would_reject_total` | counter | count | `layer`, `reason` |
//! | `buttress_breaker_transitions_total` | counter | count | `layer`, `to`, `cause` |
//! | `buttress_breaker_state` | gauge | count | `layer`, `state` |
//! | `buttress_bulkhead_in_flight` | gauge | count | `layer` |
//! | `buttress_bulkhead_limit` | gauge | count | `layer` |
//! | `buttress_bulkhead_queue_length` | gauge | count | `layer` |
//! | `buttress_bulkhead_rejections_total` | counter | count | `layer`, `reason` |
//! | `buttress_bulkhead_wait_seconds` | histogram | seconds | `layer` |
//! | `buttress_bulkhead_would_reject_total` | counter | count | `layer`, `reason` |
//! | `buttress_chaos_faults_total` | counter | count | `layer`, `fault` |
//! | `buttress_chaos_suppressed_total` | counter | count | `layer`, `reason` |
//! | `buttress_chaos_active` | gauge | count | `layer` |
//! | `buttress_chaos_armed` | gauge | count | `layer` |
//! | `buttress_deadline_exceeded_total` | counter | count | `layer`, `phase` |
//! | `buttress_deadline_rejections_total` | counter | count | `layer`, `reason` |
//! | `buttress_deadline_would_reject_total` | counter | count | `layer`, `reason` |
//! | `buttress_shed_in_flight` | gauge | count | `layer` |
//! | `buttress_shed_limit` | gauge | count | `layer` |
//! | `buttress_shed_queue_length` | gauge | count | `layer` |
//! | `buttress_shed_rejections_total` | counter | count | `layer`, `reason` |
//! | `buttress_shed_wait_seconds` | histogram | seconds | `layer` |
//! | `buttress_shed_would_reject_total` | counter | count | `layer`, `reason` |
//! | `buttress_problem_responses_total` | counter | count | `status`, `reason` |
//! | `buttress_http_malformed_headers_total` | counter | count | `header` |
//! | `buttress_retry_attempts_total` | counter | count | `layer`, `outcome` |
//! | `buttress_retry_budget_balance` | gauge | count | `layer` |
//! | `buttress_retry_hedges_total` | counter | count | `layer`, `outcome` |
//! | `buttress_retry_retries_total` | counter | count | `layer`, `cause` |
//! | `buttress_retry_stops_total` | counter | count | `layer`, `reason` |
//! | `buttress_retry_would_retry_total` | counter | count | `layer`, `cause` |
//!
//! [`names`] has them with their descriptions. `layer` is the name of a handle; every other label is one of a closed
//! set of words, all of which exist at 0 from the start, so that a first rejection shows in `increase()`.
//!
//! | label | words |
//! |---|---|
//! | `outcome` | `success`, `error`, `timeout`, `overload`, `transport`, `ignored`, `cancelled` |
//! | `reason` | [`Reason::as_str`](buttress_core::Reason::as_str); for problems also `error`, an error that is no rejection; for chaos [`Suppressed::as_str`](buttress_core::chaos::Suppressed::as_str) |
//! | `to`, `state` | [`CircuitState::as_str`](buttress_core::circuit::CircuitState::as_str) |
//! | `cause` | [`Cause::as_str`](buttress_core::circuit::Cause::as_str) |
//! | `status` | the HTTP status of the response |
//! | `header` | [`Header::as_str`] |
//! | `phase` | [`Phase::as_str`] |
//! | `fault` | [`Fault::kind`](buttress_core::chaos::Fault::kind) |
//! | `cause` of a retry | `error`, `timeout`, `overload`, `transport` |
//! | `reason` of a stop | [`StopReason::as_str`](buttress_core::retry::StopReason::as_str) |
//! | `outcome` of a hedge | [`HedgeEvent::as_str`] |
//!
//! # Events
//!
//! | target | level | message | fields |
//! |---|---|---|---|
//! | `buttress::breaker` | WARN | circuit opened | `layer`, `key`, `from`, `to`, `cause`, `open_for` |
//! | `buttress::breaker` | WARN | circuit isolated by hand | `layer`, `key`, `why` |
//! | `buttress::breaker` | INFO | circuit changed state | `layer`, `key`, `from`, `to`, `cause` |
//! | `buttress::breaker` | DEBUG | call rejected | `layer`, `key`, `reason` |
//! | `buttress::breaker` | DEBUG | call would have been rejected | `layer`, `key`, `reason` |
//! | `buttress::bulkhead` | TRACE | limit changed | `layer`, `limit` |
//! | `buttress::bulkhead` | DEBUG | call rejected | `layer`, `reason` |
//! | `buttress::bulkhead` | DEBUG | call would have been rejected | `layer`, `reason` |
//! | `buttress::chaos` | WARN | faults armed | `layer`, `faults`, `seed` |
//! | `buttress::chaos` | WARN | faults disarmed | `layer`, `by`, `breach` |
//! | `buttress::chaos` | WARN | fault stopped | `layer`, `fault` |
//! | `buttress::chaos` | DEBUG | fault injected | `layer`, `fault`, `kind` |
//! | `buttress::chaos` | DEBUG | fault suppressed | `layer`, `reason` |
//! | `buttress::deadline` | DEBUG | call rejected | `layer`, `reason` |
//! | `buttress::deadline` | DEBUG | call would have been rejected | `layer`, `reason` |
//! | `buttress::deadline` | DEBUG | deadline exceeded | `layer`, `phase` |
//! | `buttress::shed` | TRACE | limit changed | `layer`, `limit` |
//! | `buttress::shed` | WARN | memory or processor time short | `layer`, `least` |
//! | `buttress::shed` | INFO | memory and processor time suffice again | `layer` |
//! | `buttress::shed` | DEBUG | call rejected | `layer`, `reason` |
//! | `buttress::shed` | DEBUG | call would have been rejected | `layer`, `reason` |
//! | `buttress::problem` | ERROR, or DEBUG below status 500 | request failed | `status`, `request_id`, `error` |
//! | `buttress::problem` | DEBUG | request rejected | `status`, `request_id`, `layer`, `reason` |
//! | `buttress::http` | DEBUG | malformed header ignored | `header` |
//! | `buttress::retry` | DEBUG | call is tried again | `layer`, `cause`, `attempt`, `after` |
//! | `buttress::retry` | DEBUG | call is not tried again | `layer`, `reason`, `attempts` |
//! | `buttress::retry` | DEBUG | call would have been tried again | `layer`, `cause` |
//! | `buttress::retry` | DEBUG | call was hedged | `layer`, `outcome` |
//!
//! # Recorders
//!
//! Each `…Signals` looks its instruments up once, at the first moment it finds a recorder installed, and keeps the
//! handles: an event then costs an atomic addition. Until there is a recorder an event costs a few instructions, and a
//! recorder that is installed late is found by the next event. A few things follow.
//!
//! - A local recorder (`metrics::with_local_recorder`) is honoured by a handle that is made, or sees its first event,
//!   while it is in force. It then stays with that handle.
//! - The API of `metrics` does not tell whether a recorder is installed. A global recorder without a size is
//!   recognised. A local one may not be distinguishable from the `NoopRecorder` that stands in for none: pass a
//!   reference to a reference (`with_local_recorder(&&Unit, …)`).
//! - An exporter that drops idle series (`idle_timeout` of the Prometheus exporter) loses them for good, since they are
//!   not registered again. Leave it off for counters and gauges named `buttress_…`.
//! - Handles of one name share their series: counters add up, and the state gauge says how many of them are in that
//!   state. For one handle, that is 0 or 1.
//! - For that sum, gauges are moved by differences and never set. A recorder that takes them back to 0 when it is read,
//!   as the `DebuggingRecorder` of `metrics-util` does, tells the state at its first reading only.
//!
//! A recorder or a subscriber that panics loses that event, and the call that caused it goes on.
//!
//! # Features
//!
//! `metrics` and `tracing`, both on by default. Without one, the API is the same and that half compiles to nothing.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[macro_use]
mod log;

mod breaker;
mod budget;
mod chaos;
mod deadline;
mod hedge;
mod http;
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod isolate;
mod labels;
mod limiter;
#[cfg(feature = "metrics")]
mod meter;
#[cfg(not(feature = "metrics"))]
#[path = "meter_off.rs"]
mod meter;
pub mod names;
mod problem;
mod retry;

pub use breaker::{BreakerEvent, BreakerSignals};
pub use budget::BudgetSignals;
pub use chaos::{ChaosEvent, ChaosSignals, Disarming};
pub use deadline::{DeadlineEvent, DeadlineSignals, Phase};
pub use hedge::{HedgeEvent, HedgeSignals};
pub use http::{Header, HttpEvent, HttpSignals};
pub use limiter::{Limiter, LimiterEvent, LimiterSignals};
pub use problem::{ProblemEvent, ProblemSignals};
pub use retry::{RetryEvent, RetrySignals};
