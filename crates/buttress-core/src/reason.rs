use std::fmt;

use LayerKind::{Breaker, Bulkhead, Chaos, Deadline, Shedder};

/// What is known of a reason: one row of the table below.
struct Row {
    label: &'static str,
    /// For logs.
    text: &'static str,
    /// For clients: nothing about the inside of the service.
    detail: &'static str,
    layers: &'static [LayerKind],
    scope: Scope,
    class: RejectionClass,
    temporary: bool,
    overload: bool,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident => $row:expr,)+) => {
        /// Why a call was rejected. Each pattern adds its own.
        #[non_exhaustive]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $reason,)+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$reason,)+];

            const fn row(self) -> &'static Row {
                match self {
                    $(Self::$reason => const { &$row },)+
                }
            }
        }
    };
}

reasons! {
    /// The circuit is open: the dependency failed too often.
    CircuitOpen => Row {
        label: "circuit_open",
        text: "circuit is open",
        detail: "A dependency of this service is failing and is not called for a while.",
        layers: &[Breaker],
        scope: Scope::Cluster,
        class: RejectionClass::Unavailable,
        temporary: true,
        overload: false,
    },
    /// The circuit is half-open and all its probes are in flight.
    CircuitHalfOpen => Row {
        label: "circuit_half_open",
        text: "circuit is half-open and all probes are taken",
        detail: "A dependency of this service was failing and is being tested.",
        layers: &[Breaker],
        scope: Scope::Cluster,
        class: RejectionClass::Unavailable,
        temporary: true,
        overload: false,
    },
    /// The circuit is recovering along a ramp, and this call was not admitted.
    CircuitRecovering => Row {
        label: "circuit_recovering",
        text: "circuit is recovering and this call was held back",
        detail: "A dependency of this service is recovering and accepts only a part of the calls.",
        layers: &[Breaker],
        scope: Scope::Cluster,
        class: RejectionClass::Unavailable,
        temporary: true,
        overload: false,
    },
    /// An operator holds the circuit open.
    CircuitIsolated => Row {
        // Not temporary: only an operator ends it.
        label: "circuit_isolated",
        text: "circuit is isolated by an operator",
        detail: "A dependency of this service was taken out of use by its operators.",
        layers: &[Breaker],
        scope: Scope::Cluster,
        class: RejectionClass::Unavailable,
        temporary: false,
        overload: false,
    },
    /// The deadline passed before the response. The only reason for which the dependency may have been called.
    DeadlineExceeded => Row {
        // None of these is temporary: the deadline is the caller's. Another instance has no more time.
        label: "deadline_exceeded",
        text: "deadline exceeded",
        detail: "The deadline of the call passed before the response.",
        layers: &[Deadline],
        scope: Scope::Cluster,
        class: RejectionClass::DeadlineExceeded,
        temporary: false,
        overload: false,
    },
    /// The deadline had passed when the call arrived.
    DeadlineExpired => Row {
        label: "deadline_expired",
        text: "deadline had passed on arrival",
        detail: "The deadline of the call had passed when it arrived.",
        layers: &[Deadline],
        scope: Scope::Cluster,
        class: RejectionClass::DeadlineExceeded,
        temporary: false,
        overload: false,
    },
    /// Too little time remained until the deadline, so the call was not started.
    DeadlineTooShort => Row {
        label: "deadline_too_short",
        text: "deadline leaves too little time",
        detail: "The remaining time of the call was too short to complete it.",
        layers: &[Bulkhead, Deadline, Shedder],
        scope: Scope::Cluster,
        class: RejectionClass::DeadlineExceeded,
        temporary: false,
        overload: false,
    },
    /// The bulkhead is at its limit, and has no queue or a full one.
    BulkheadFull => Row {
        label: "bulkhead_full",
        text: "bulkhead is full",
        detail: "The service has reached its limit of concurrent calls.",
        layers: &[Bulkhead],
        scope: Scope::Instance,
        class: RejectionClass::Unavailable,
        temporary: true,
        overload: true,
    },
    /// The dependency rejects so many calls that this one was not sent to it.
    ClientThrottled => Row {
        // The counts are of responses from all instances.
        label: "client_throttled",
        text: "held back by the client's throttle",
        detail: "A dependency of this service is overloaded and gets fewer calls for a while.",
        layers: &[Shedder],
        scope: Scope::Cluster,
        class: RejectionClass::Unavailable,
        temporary: true,
        overload: false,
    },
    /// The load exceeds the capacity, and this call is less critical than those that are admitted.
    CriticalityTooLow => Row {
        label: "criticality_too_low",
        text: "overloaded, and the call is not critical enough",
        detail: "The service is overloaded and serves more critical calls first.",
        layers: &[Shedder],
        scope: Scope::Instance,
        class: RejectionClass::Unavailable,
        temporary: true,
        overload: true,
    },
    /// An experiment rejected the call on purpose.
    FaultInjected => Row {
        label: "fault_injected",
        text: "fault injected",
        detail: "The call was rejected on purpose, as part of an experiment.",
        layers: &[Chaos],
        scope: Scope::Instance,
        class: RejectionClass::Unavailable,
        temporary: true,
        overload: false,
    },
    /// The adaptive limit on calls in flight is reached.
    LimitReached => Row {
        label: "limit_reached",
        text: "concurrency limit reached",
        detail: "The service has reached its limit of concurrent calls.",
        layers: &[Shedder],
        scope: Scope::Instance,
        class: RejectionClass::Unavailable,
        temporary: true,
        overload: true,
    },
    /// The call waited in a queue that does not drain, and was dropped from it.
    QueueOverloaded => Row {
        label: "queue_overloaded",
        text: "waited in an overloaded queue",
        detail: "The service has reached its limit of waiting calls.",
        layers: &[Bulkhead, Shedder],
        scope: Scope::Instance,
        class: RejectionClass::Unavailable,
        temporary: true,
        overload: true,
    },
    /// The call waited for a slot for the longest allowed time.
    QueueTimeout => Row {
        label: "queue_timeout",
        text: "no slot became free in time",
        detail: "The call waited for the service until its wait timed out.",
        layers: &[Bulkhead, Shedder],
        scope: Scope::Instance,
        class: RejectionClass::Unavailable,
        temporary: true,
        overload: true,
    },
    /// Memory or processor time is short.
    ResourceExhausted => Row {
        label: "resource_exhausted",
        text: "too little memory or processor time",
        detail: "The service is short of memory or processor time.",
        layers: &[Shedder],
        scope: Scope::Instance,
        class: RejectionClass::Unavailable,
        temporary: true,
        overload: true,
    },
    /// The tenant, or the partition, uses its share of the limit, and the rest is reserved for others.
    TenantOverShare => Row {
        label: "tenant_over_share",
        text: "tenant is over its share",
        detail: "The caller exceeds its share of an overloaded service.",
        layers: &[Bulkhead, Shedder],
        scope: Scope::Tenant,
        class: RejectionClass::OverQuota,
        temporary: true,
        overload: false,
    },
}

impl Reason {
    /// The reason as a metric label and as a member of a problem document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().label
    }

    /// A sentence for the client, which hides the names of layers and dependencies.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        self.row().detail
    }

    /// The layers that reject for this reason.
    #[must_use]
    pub const fn layers(self) -> &'static [LayerKind] {
        self.row().layers
    }

    /// The class of the rejection, from which protocols take their status.
    #[must_use]
    pub const fn class(self) -> RejectionClass {
        self.row().class
    }

    /// Whether the rejection is expected to be temporary, so that a later retry may succeed.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        self.row().temporary
    }

    /// Whether a limit is reached: the load exceeds the slots, the memory or the time.
    #[must_use]
    pub const fn is_overload(self) -> bool {
        self.row().overload
    }

    /// The default scope of this reason.
    #[must_use]
    pub const fn scope(self) -> Scope {
        self.row().scope
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().text)
    }
}

/// The class of a rejection. The set is complete, so that a protocol maps each to a status of its own: HTTP's 503, 504
/// and 429, or gRPC's `UNAVAILABLE`, `DEADLINE_EXCEEDED` and `RESOURCE_EXHAUSTED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectionClass {
    /// The call was not made, because the service or its dependency cannot take it now.
    Unavailable,
    /// There is no time left for the call.
    DeadlineExceeded,
    /// The caller exceeds its own share.
    OverQuota,
}

/// A layer that rejects calls.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LayerKind {
    /// A circuit breaker.
    Breaker,
    /// A bulkhead.
    Bulkhead,
    /// Fault injection.
    Chaos,
    /// Deadlines.
    Deadline,
    /// A load shedder.
    Shedder,
}

/// How far a rejection reaches, so that a client can decide whether to try another instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// This instance only: another may answer at once.
    Instance,
    /// Every instance behind the same name: trying another does not help.
    Cluster,
    /// This tenant or key only.
    Tenant,
}

impl Scope {
    /// The scope as a member of a problem document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Cluster => "cluster",
            Self::Tenant => "tenant",
        }
    }

    /// The scope that [`as_str`](Self::as_str) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Instance, Self::Cluster, Self::Tenant]
            .into_iter()
            .find(|scope| scope.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_label_of_its_own() {
        let labels: std::collections::HashSet<_> = Reason::ALL.iter().map(|r| r.as_str()).collect();
        assert_eq!(labels.len(), Reason::ALL.len());
    }
}
