//! The signals of Buttress: all metrics and tracing events.
//!
//! A layer emits events: [`BreakerEvent`], [`ChaosEvent`], [`DeadlineEvent`], [`HedgeEvent`], [`HttpEvent`],
//! [`LimiterEvent`], [`ProblemEvent`] or [`RetryEvent`]. Only this crate turns events into `metrics` and `tracing`.
//! Users need only the lists below; a layer holds one `…Signals` for each handle and calls `emit`.
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
//! [`names`] has their descriptions. `layer` is the name of a handle. Every other label has a closed set of values,
//! and all series start at 0, so that `increase()` includes the first rejection.
//!
//! | label | values |
//! |---|---|
//! | `outcome` | `success`, `error`, `timeout`, `overload`, `transport`, `ignored`, `cancelled` |
//! | `reason` | [`Reason::as_str`](buttress_core::Reason::as_str); for problems also `error`, for an error that is not a rejection; for chaos [`Suppressed::as_str`](buttress_core::chaos::Suppressed::as_str) |
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
//! | `buttress::shed` | WARN | memory or processor pressure | `layer`, `least` |
//! | `buttress::shed` | INFO | memory and processor pressure ended | `layer` |
//! | `buttress::shed` | DEBUG | call rejected | `layer`, `reason` |
//! | `buttress::shed` | DEBUG | call would have been rejected | `layer`, `reason` |
//! | `buttress::problem` | ERROR, or DEBUG below status 500 | request failed | `status`, `request_id`, `error` |
//! | `buttress::problem` | DEBUG | request rejected | `status`, `request_id`, `layer`, `reason` |
//! | `buttress::http` | DEBUG | malformed header ignored | `header` |
//! | `buttress::retry` | DEBUG | call retried | `layer`, `cause`, `attempt`, `after` |
//! | `buttress::retry` | DEBUG | call not retried | `layer`, `reason`, `attempts` |
//! | `buttress::retry` | DEBUG | call would have been retried | `layer`, `cause` |
//! | `buttress::retry` | DEBUG | call was hedged | `layer`, `outcome` |
//!
//! # Recorders
//!
//! Each `…Signals` looks up its instruments once, when it first finds an installed recorder, and keeps the handles:
//! an event is then an atomic addition. Without a recorder an event costs a few instructions, and the next event
//! finds a recorder that is installed later. This has some consequences:
//!
//! - A local recorder (`metrics::with_local_recorder`) is used by a handle that is created, or emits its first event,
//!   while the recorder is active. The handle then keeps it.
//! - The API of `metrics` cannot tell whether a recorder is installed. A global recorder without a size is
//!   recognized. A local one may not be distinguishable from the `NoopRecorder`, the default: pass a reference to a
//!   reference (`with_local_recorder(&&Unit, …)`).
//! - An exporter that drops idle series (`idle_timeout` of the Prometheus exporter) loses them permanently, because
//!   they are not registered again. Disable this for counters and gauges named `buttress_…`.
//! - Handles with the same name share their series: counters are summed, and the state gauge is the number of handles
//!   in that state. For one handle, that is 0 or 1.
//! - For that sum, gauges are changed by differences and never set. A recorder that resets them to 0 when it is read,
//!   such as the `DebuggingRecorder` of `metrics-util`, has the state only at its first reading.
//!
//! If a recorder or a subscriber panics, that event is lost, and the call continues.
//!
//! # Features
//!
//! `metrics` and `tracing`, both on by default. Without one, the API is the same and that part compiles to nothing.

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

mod limiter;
#[cfg(feature = "metrics")]
mod meter;
#[cfg(not(feature = "metrics"))]
#[path = "meter_off.rs"]
mod meter;
pub mod names;
mod problem;
mod rejections;
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
