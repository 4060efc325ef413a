//! All metrics of Buttress: name, unit, labels and description.

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// The name, `buttress_<pattern>_<what>`, in base units.
    pub name: &'static str,
    /// The kind.
    pub kind: Kind,
    /// The unit, as a name of `metrics::Unit`.
    pub unit: &'static str,
    /// The labels. Only `layer` is an open set: the name of a handle.
    pub labels: &'static [&'static str],
    /// The description, in a sentence.
    pub description: &'static str,
}

/// The kind of a metric.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only increases.
    Counter,
    /// Increases and decreases.
    Gauge,
    /// A distribution of values.
    Histogram,
}

/// Calls that a breaker admitted, by outcome.
pub const BREAKER_CALLS: Metric = Metric {
    name: "buttress_breaker_calls_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "outcome"],
    description: "Calls admitted by the breaker, by outcome.",
};

/// Calls that a breaker rejected.
pub const BREAKER_REJECTIONS: Metric = Metric {
    name: "buttress_breaker_rejections_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "reason"],
    description: "Calls rejected by the breaker, by reason.",
};

/// Calls that took longer than a breaker's slow-call threshold.
pub const BREAKER_SLOW_CALLS: Metric = Metric {
    name: "buttress_breaker_slow_calls_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer"],
    description: "Calls slower than the breaker's threshold for slow calls.",
};

/// Outcomes of calls that were admitted before the circuit's last transition.
pub const BREAKER_STALE_OUTCOMES: Metric = Metric {
    name: "buttress_breaker_stale_outcomes_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer"],
    description: "Outcomes ignored because their calls were admitted before the circuit's last change of state.",
};

/// The states of circuits.
pub const BREAKER_STATE: Metric = Metric {
    name: "buttress_breaker_state",
    kind: Kind::Gauge,
    unit: "count",
    labels: &["layer", "state"],
    description: "Circuits of this name in this state: for one circuit, 0 or 1.",
};

/// Transitions of a circuit.
pub const BREAKER_TRANSITIONS: Metric = Metric {
    name: "buttress_breaker_transitions_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "to", "cause"],
    description: "Transitions of the circuit, by the new state and the cause.",
};

/// Calls that a breaker admitted, but would have rejected in [`Mode::Enforce`](buttress_core::Mode::Enforce).
pub const BREAKER_WOULD_REJECT: Metric = Metric {
    name: "buttress_breaker_would_reject_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "reason"],
    description: "Calls that the breaker would have rejected if its mode were to enforce, by reason.",
};

/// Calls in flight of a bulkhead.
pub const BULKHEAD_IN_FLIGHT: Metric = Metric {
    name: "buttress_bulkhead_in_flight",
    kind: Kind::Gauge,
    unit: "count",
    labels: &["layer"],
    description: "Calls admitted by the bulkhead that have not ended.",
};

/// A bulkhead's limit on calls in flight.
pub const BULKHEAD_LIMIT: Metric = Metric {
    name: "buttress_bulkhead_limit",
    kind: Kind::Gauge,
    unit: "count",
    labels: &["layer"],
    description: "The bulkhead's limit on calls in flight.",
};

/// Calls in a bulkhead's queue.
pub const BULKHEAD_QUEUE_LENGTH: Metric = Metric {
    name: "buttress_bulkhead_queue_length",
    kind: Kind::Gauge,
    unit: "count",
    labels: &["layer"],
    description: "Calls waiting in the bulkhead's queue.",
};

/// Calls that a bulkhead rejected.
pub const BULKHEAD_REJECTIONS: Metric = Metric {
    name: "buttress_bulkhead_rejections_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "reason"],
    description: "Calls rejected by the bulkhead, by reason.",
};

/// Time that calls spent in a bulkhead's queue.
pub const BULKHEAD_WAIT: Metric = Metric {
    name: "buttress_bulkhead_wait_seconds",
    kind: Kind::Histogram,
    unit: "seconds",
    labels: &["layer"],
    description: "Time calls spent in the bulkhead's queue, whatever the result.",
};

/// Calls that a bulkhead admitted, but would have rejected in [`Mode::Enforce`](buttress_core::Mode::Enforce).
pub const BULKHEAD_WOULD_REJECT: Metric = Metric {
    name: "buttress_bulkhead_would_reject_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "reason"],
    description: "Calls that the bulkhead would have rejected if its mode were to enforce, by reason.",
};

/// Calls that are affected by an injected fault.
pub const CHAOS_ACTIVE: Metric = Metric {
    name: "buttress_chaos_active",
    kind: Kind::Gauge,
    unit: "count",
    labels: &["layer"],
    description: "Calls affected by an injected fault that have not ended.",
};

/// Whether an injector is armed.
pub const CHAOS_ARMED: Metric = Metric {
    name: "buttress_chaos_armed",
    kind: Kind::Gauge,
    unit: "count",
    labels: &["layer"],
    description: "Armed injectors of this name: for one injector, 0 or 1.",
};

/// Injected faults.
pub const CHAOS_FAULTS: Metric = Metric {
    name: "buttress_chaos_faults_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "fault"],
    description: "Injected faults, by kind.",
};

/// Faults that were not injected because of a bound.
pub const CHAOS_SUPPRESSED: Metric = Metric {
    name: "buttress_chaos_suppressed_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "reason"],
    description: "Faults not injected because a bound of the plan was reached, by bound.",
};

/// Calls that exceeded their deadline.
pub const DEADLINE_EXCEEDED: Metric = Metric {
    name: "buttress_deadline_exceeded_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "phase"],
    description: "Calls ended at their deadline, by the part of the response they were waiting for.",
};

/// Calls that were rejected because of their deadline.
pub const DEADLINE_REJECTIONS: Metric = Metric {
    name: "buttress_deadline_rejections_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "reason"],
    description: "Calls rejected because their deadline had passed or was too near, by reason.",
};

/// Calls that would have been rejected or ended in [`Mode::Enforce`](buttress_core::Mode::Enforce).
pub const DEADLINE_WOULD_REJECT: Metric = Metric {
    name: "buttress_deadline_would_reject_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "reason"],
    description: "Calls that would have been rejected or ended if the mode were to enforce, by reason.",
};

/// Malformed header fields.
pub const HTTP_MALFORMED_HEADERS: Metric = Metric {
    name: "buttress_http_malformed_headers_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["header"],
    description: "Malformed header fields that were ignored, by name.",
};

/// Errors that became responses.
pub const PROBLEM_RESPONSES: Metric = Metric {
    name: "buttress_problem_responses_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["status", "reason"],
    description: "Problem responses, by status and by the reason of the rejection.",
};

/// Attempts at calls that may be retried.
pub const RETRY_ATTEMPTS: Metric = Metric {
    name: "buttress_retry_attempts_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "outcome"],
    description: "Attempts, the first of each call and all further ones, by outcome.",
};

/// The balance of a retry budget.
pub const RETRY_BUDGET_BALANCE: Metric = Metric {
    name: "buttress_retry_budget_balance",
    kind: Kind::Gauge,
    unit: "count",
    labels: &["layer"],
    description: "Extra attempts left in the retry budget after the last withdrawal.",
};

/// Second attempts at slow calls.
pub const RETRY_HEDGES: Metric = Metric {
    name: "buttress_retry_hedges_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "outcome"],
    description: "Second attempts of slow calls, by outcome.",
};

/// Attempts after the first.
pub const RETRY_RETRIES: Metric = Metric {
    name: "buttress_retry_retries_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "cause"],
    description: "Attempts after the first, by the failure of the attempt before.",
};

/// Failed calls that were not retried.
pub const RETRY_STOPS: Metric = Metric {
    name: "buttress_retry_stops_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "reason"],
    description: "Failed calls that were not retried, by reason.",
};

/// Failed calls that would have been retried in [`Mode::Enforce`](buttress_core::Mode::Enforce).
pub const RETRY_WOULD_RETRY: Metric = Metric {
    name: "buttress_retry_would_retry_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "cause"],
    description: "Failures that would have been retried if the mode were to enforce, by kind.",
};

/// Calls in flight of a shedder.
pub const SHED_IN_FLIGHT: Metric = Metric {
    name: "buttress_shed_in_flight",
    kind: Kind::Gauge,
    unit: "count",
    labels: &["layer"],
    description: "Calls admitted by the shedder that have not ended.",
};

/// The shedder's limit on calls in flight.
pub const SHED_LIMIT: Metric = Metric {
    name: "buttress_shed_limit",
    kind: Kind::Gauge,
    unit: "count",
    labels: &["layer"],
    description: "The shedder's current limit on calls in flight, adaptive or fixed.",
};

/// Calls in a shedder's queue.
pub const SHED_QUEUE_LENGTH: Metric = Metric {
    name: "buttress_shed_queue_length",
    kind: Kind::Gauge,
    unit: "count",
    labels: &["layer"],
    description: "Calls waiting in the shedder's queue.",
};

/// Calls that a shedder rejected.
pub const SHED_REJECTIONS: Metric = Metric {
    name: "buttress_shed_rejections_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "reason"],
    description: "Calls rejected by the shedder, by reason.",
};

/// Time that calls spent in a shedder's queue.
pub const SHED_WAIT: Metric = Metric {
    name: "buttress_shed_wait_seconds",
    kind: Kind::Histogram,
    unit: "seconds",
    labels: &["layer"],
    description: "Time calls spent in the shedder's queue, whatever the result.",
};

/// Calls that a shedder admitted, but would have rejected in [`Mode::Enforce`](buttress_core::Mode::Enforce).
pub const SHED_WOULD_REJECT: Metric = Metric {
    name: "buttress_shed_would_reject_total",
    kind: Kind::Counter,
    unit: "count",
    labels: &["layer", "reason"],
    description: "Calls that the shedder would have rejected if its mode were to enforce, by reason.",
};

/// All metrics.
pub const ALL: &[Metric] = &[
    BREAKER_CALLS,
    BREAKER_REJECTIONS,
    BREAKER_SLOW_CALLS,
    BREAKER_STALE_OUTCOMES,
    BREAKER_STATE,
    BREAKER_TRANSITIONS,
    BREAKER_WOULD_REJECT,
    BULKHEAD_IN_FLIGHT,
    BULKHEAD_LIMIT,
    BULKHEAD_QUEUE_LENGTH,
    BULKHEAD_REJECTIONS,
    BULKHEAD_WAIT,
    BULKHEAD_WOULD_REJECT,
    CHAOS_ACTIVE,
    CHAOS_ARMED,
    CHAOS_FAULTS,
    CHAOS_SUPPRESSED,
    DEADLINE_EXCEEDED,
    DEADLINE_REJECTIONS,
    DEADLINE_WOULD_REJECT,
    HTTP_MALFORMED_HEADERS,
    PROBLEM_RESPONSES,
    RETRY_ATTEMPTS,
    RETRY_BUDGET_BALANCE,
    RETRY_HEDGES,
    RETRY_RETRIES,
    RETRY_STOPS,
    RETRY_WOULD_RETRY,
    SHED_IN_FLIGHT,
    SHED_LIMIT,
    SHED_QUEUE_LENGTH,
    SHED_REJECTIONS,
    SHED_WAIT,
    SHED_WOULD_REJECT,
];
