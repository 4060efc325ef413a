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

macro_rules! metrics {
    ($($metric:ident: $kind:ident $name:literal in $unit:ident by $labels:expr, $description:literal;)+) => {
        $(
            #[doc = $description]
            pub const $metric: Metric = Metric {
                name: concat!("buttress_", $name),
                kind: Kind::$kind,
                unit: stringify!($unit),
                labels: &$labels,
                description: $description,
            };
        )+

        /// All metrics.
        pub const ALL: &[Metric] = &[$($metric,)+];
    };
}

metrics! {
    BREAKER_CALLS: Counter "breaker_calls_total" in count by ["layer", "outcome"],
        "Calls admitted by the breaker, by outcome.";
    BREAKER_REJECTIONS: Counter "breaker_rejections_total" in count by ["layer", "reason"],
        "Calls rejected by the breaker, by reason.";
    BREAKER_SLOW_CALLS: Counter "breaker_slow_calls_total" in count by ["layer"],
        "Calls slower than the breaker's threshold for slow calls.";
    BREAKER_STALE_OUTCOMES: Counter "breaker_stale_outcomes_total" in count by ["layer"],
        "Outcomes ignored because their calls were admitted before the circuit's last change of state.";
    BREAKER_STATE: Gauge "breaker_state" in count by ["layer", "state"],
        "Circuits of this name in this state: for one circuit, 0 or 1.";
    BREAKER_TRANSITIONS: Counter "breaker_transitions_total" in count by ["layer", "to", "cause"],
        "Transitions of the circuit, by the new state and the cause.";
    BREAKER_WOULD_REJECT: Counter "breaker_would_reject_total" in count by ["layer", "reason"],
        "Calls that the breaker would have rejected if its mode were to enforce, by reason.";

    BULKHEAD_IN_FLIGHT: Gauge "bulkhead_in_flight" in count by ["layer"],
        "Calls admitted by the bulkhead that have not ended.";
    BULKHEAD_LIMIT: Gauge "bulkhead_limit" in count by ["layer"],
        "The bulkhead's limit on calls in flight.";
    BULKHEAD_QUEUE_LENGTH: Gauge "bulkhead_queue_length" in count by ["layer"],
        "Calls waiting in the bulkhead's queue.";
    BULKHEAD_REJECTIONS: Counter "bulkhead_rejections_total" in count by ["layer", "reason"],
        "Calls rejected by the bulkhead, by reason.";
    BULKHEAD_WAIT: Histogram "bulkhead_wait_seconds" in seconds by ["layer"],
        "Time calls spent in the bulkhead's queue, whatever the result.";
    BULKHEAD_WOULD_REJECT: Counter "bulkhead_would_reject_total" in count by ["layer", "reason"],
        "Calls that the bulkhead would have rejected if its mode were to enforce, by reason.";

    CHAOS_ACTIVE: Gauge "chaos_active" in count by ["layer"],
        "Calls affected by an injected fault that have not ended.";
    CHAOS_ARMED: Gauge "chaos_armed" in count by ["layer"],
        "Armed injectors of this name: for one injector, 0 or 1.";
    CHAOS_FAULTS: Counter "chaos_faults_total" in count by ["layer", "fault"],
        "Injected faults, by kind.";
    CHAOS_SUPPRESSED: Counter "chaos_suppressed_total" in count by ["layer", "reason"],
        "Faults not injected because a bound of the plan was reached, by bound.";

    DEADLINE_EXCEEDED: Counter "deadline_exceeded_total" in count by ["layer", "phase"],
        "Calls ended at their deadline, by the part of the response they were waiting for.";
    DEADLINE_REJECTIONS: Counter "deadline_rejections_total" in count by ["layer", "reason"],
        "Calls rejected because their deadline had passed or was too near, by reason.";
    DEADLINE_WOULD_REJECT: Counter "deadline_would_reject_total" in count by ["layer", "reason"],
        "Calls that would have been rejected or ended if the mode were to enforce, by reason.";

    HTTP_MALFORMED_HEADERS: Counter "http_malformed_headers_total" in count by ["header"],
        "Malformed header fields that were ignored, by name.";

    PROBLEM_RESPONSES: Counter "problem_responses_total" in count by ["status", "reason"],
        "Problem responses, by status and by the reason of the rejection.";

    RETRY_ATTEMPTS: Counter "retry_attempts_total" in count by ["layer", "outcome"],
        "Attempts, the first of each call and all further ones, by outcome.";
    RETRY_BUDGET_BALANCE: Gauge "retry_budget_balance" in count by ["layer"],
        "Extra attempts left in the retry budget after the last withdrawal.";
    RETRY_HEDGES: Counter "retry_hedges_total" in count by ["layer", "outcome"],
        "Second attempts of slow calls, by outcome.";
    RETRY_RETRIES: Counter "retry_retries_total" in count by ["layer", "cause"],
        "Attempts after the first, by the failure of the attempt before.";
    RETRY_STOPS: Counter "retry_stops_total" in count by ["layer", "reason"],
        "Failed calls that were not retried, by reason.";
    RETRY_WOULD_RETRY: Counter "retry_would_retry_total" in count by ["layer", "cause"],
        "Failures that would have been retried if the mode were to enforce, by kind.";

    SHED_IN_FLIGHT: Gauge "shed_in_flight" in count by ["layer"],
        "Calls admitted by the shedder that have not ended.";
    SHED_LIMIT: Gauge "shed_limit" in count by ["layer"],
        "The shedder's current limit on calls in flight, adaptive or fixed.";
    SHED_QUEUE_LENGTH: Gauge "shed_queue_length" in count by ["layer"],
        "Calls waiting in the shedder's queue.";
    SHED_REJECTIONS: Counter "shed_rejections_total" in count by ["layer", "reason"],
        "Calls rejected by the shedder, by reason.";
    SHED_WAIT: Histogram "shed_wait_seconds" in seconds by ["layer"],
        "Time calls spent in the shedder's queue, whatever the result.";
    SHED_WOULD_REJECT: Counter "shed_would_reject_total" in count by ["layer", "reason"],
        "Calls that the shedder would have rejected if its mode were to enforce, by reason.";
}
