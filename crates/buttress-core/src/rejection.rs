use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::Name;
use crate::chain::chain;

/// The error type that crosses layers, as in tower.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A rejection: the only error that a Buttress layer creates.
///
/// Inner errors pass through a layer untouched, so a `Rejection` in an error's chain always means that a layer rejected
/// the call. Look for it with [`Rejection::find`].
///
/// ```
/// use buttress_core::{BoxError, Reason, Rejection};
/// use std::time::Duration;
///
/// let error: BoxError = Rejection::new(Reason::CircuitOpen, "payments")
///     .with_retry_after(Duration::from_secs(2))
///     .into();
///
/// let rejection = Rejection::find(&*error).expect("it is in the chain");
/// assert_eq!(rejection.reason(), Reason::CircuitOpen);
/// assert_eq!(rejection.layer(), "payments");
/// assert_eq!(error.to_string(), "circuit is open (payments, retry after 2s)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    reason: Reason,
    scope: Scope,
    retry_after: Option<Duration>,
    layer: Name,
    key: Option<Name>,
}

impl Rejection {
    /// A rejection for `reason` by the handle called `layer`, with the default scope of that reason.
    #[must_use]
    pub fn new(reason: Reason, layer: impl Into<Name>) -> Self {
        Self {
            reason,
            scope: reason.default_scope(),
            retry_after: None,
            layer: layer.into(),
            key: None,
        }
    }

    /// The same rejection, with the time after which to retry.
    #[must_use]
    pub fn with_retry_after(mut self, after: impl Into<Option<Duration>>) -> Self {
        self.retry_after = after.into();
        self
    }

    /// The same rejection, with this scope.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// The same rejection, for one key of the handle.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<Option<Name>>) -> Self {
        self.key = key.into();
        self
    }

    /// Why the call was rejected.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The name of the handle that rejected.
    #[must_use]
    pub fn layer(&self) -> &str {
        self.layer.as_str()
    }

    /// The key of the call, where the handle has keys: a host, a route, a tenant. Callers may have chosen it.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_ref().map(Name::as_str)
    }

    /// How long to wait before a retry, where the rejecting rule knows.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// How far the rejection reaches.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The first rejection in an error's [`chain`], if there is one.
    #[must_use]
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        chain(error).find_map(|error| error.downcast_ref())
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.reason, self.layer)?;
        if let Some(key) = self.key() {
            write!(f, ", key {key:?}")?;
        }
        if let Some(after) = self.retry_after {
            write!(f, ", retry after {after:?}")?;
        }
        f.write_str(")")
    }
}

impl Error for Rejection {}

/// Why a call was rejected. Each pattern adds its own.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The circuit is open: the dependency failed too often.
    CircuitOpen,
    /// The circuit is half-open and all its probes are in flight.
    CircuitHalfOpen,
    /// The circuit is recovering along a ramp, and this call was not admitted.
    CircuitRecovering,
    /// An operator holds the circuit open.
    CircuitIsolated,
    /// The deadline passed before the response. The only reason for which the dependency may have been called.
    DeadlineExceeded,
    /// The deadline had passed when the call arrived.
    DeadlineExpired,
    /// Too little time remained until the deadline, so the call was not started.
    DeadlineTooShort,
    /// The bulkhead is at its limit, and has no queue or a full one.
    BulkheadFull,
    /// The dependency rejects so many calls that this one was not sent to it.
    ClientThrottled,
    /// The load exceeds the capacity, and this call is less critical than those that are admitted.
    CriticalityTooLow,
    /// An experiment rejected the call on purpose.
    FaultInjected,
    /// The adaptive limit on calls in flight is reached.
    LimitReached,
    /// The call waited in a queue that does not drain, and was dropped from it.
    QueueOverloaded,
    /// The call waited for a slot for the longest allowed time.
    QueueTimeout,
    /// Memory or processor time is short.
    ResourceExhausted,
    /// The tenant, or the partition, uses its share of the limit, and the rest is reserved for others.
    TenantOverShare,
}

impl Reason {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::CircuitOpen,
        Self::CircuitHalfOpen,
        Self::CircuitRecovering,
        Self::CircuitIsolated,
        Self::DeadlineExceeded,
        Self::DeadlineExpired,
        Self::DeadlineTooShort,
        Self::BulkheadFull,
        Self::ClientThrottled,
        Self::CriticalityTooLow,
        Self::FaultInjected,
        Self::LimitReached,
        Self::QueueOverloaded,
        Self::QueueTimeout,
        Self::ResourceExhausted,
        Self::TenantOverShare,
    ];

    /// The reason as a metric label and as a member of a problem document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CircuitOpen => "circuit_open",
            Self::CircuitHalfOpen => "circuit_half_open",
            Self::CircuitRecovering => "circuit_recovering",
            Self::CircuitIsolated => "circuit_isolated",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::DeadlineExpired => "deadline_expired",
            Self::DeadlineTooShort => "deadline_too_short",
            Self::BulkheadFull => "bulkhead_full",
            Self::ClientThrottled => "client_throttled",
            Self::CriticalityTooLow => "criticality_too_low",
            Self::FaultInjected => "fault_injected",
            Self::LimitReached => "limit_reached",
            Self::QueueOverloaded => "queue_overloaded",
            Self::QueueTimeout => "queue_timeout",
            Self::ResourceExhausted => "resource_exhausted",
            Self::TenantOverShare => "tenant_over_share",
        }
    }

    /// The layers that reject for this reason.
    #[must_use]
    pub const fn layers(self) -> &'static [LayerKind] {
        use LayerKind::{Breaker, Bulkhead, Chaos, Deadline, Shedder};
        match self {
            Self::CircuitOpen
            | Self::CircuitHalfOpen
            | Self::CircuitRecovering
            | Self::CircuitIsolated => &[Breaker],
            Self::DeadlineExceeded | Self::DeadlineExpired => &[Deadline],
            Self::DeadlineTooShort => &[Bulkhead, Deadline, Shedder],
            Self::BulkheadFull => &[Bulkhead],
            Self::QueueOverloaded | Self::QueueTimeout | Self::TenantOverShare => {
                &[Bulkhead, Shedder]
            }
            Self::ClientThrottled
            | Self::CriticalityTooLow
            | Self::LimitReached
            | Self::ResourceExhausted => &[Shedder],
            Self::FaultInjected => &[Chaos],
        }
    }

    /// Whether a limit is reached: the load exceeds the slots, the memory or the time.
    #[must_use]
    pub const fn is_overload(self) -> bool {
        matches!(
            self,
            Self::BulkheadFull
                | Self::CriticalityTooLow
                | Self::LimitReached
                | Self::QueueOverloaded
                | Self::QueueTimeout
                | Self::ResourceExhausted
        )
    }

    /// The default scope of this reason.
    const fn default_scope(self) -> Scope {
        match self {
            Self::CircuitOpen
            | Self::CircuitHalfOpen
            | Self::CircuitRecovering
            | Self::CircuitIsolated => Scope::Cluster,
            // Another instance has no more time.
            Self::DeadlineExceeded | Self::DeadlineExpired | Self::DeadlineTooShort => {
                Scope::Cluster
            }
            // The counts are of responses from all instances.
            Self::ClientThrottled => Scope::Cluster,
            Self::BulkheadFull
            | Self::CriticalityTooLow
            | Self::FaultInjected
            | Self::LimitReached
            | Self::QueueOverloaded
            | Self::QueueTimeout
            | Self::ResourceExhausted => Scope::Instance,
            Self::TenantOverShare => Scope::Tenant,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CircuitOpen => "circuit is open",
            Self::CircuitHalfOpen => "circuit is half-open and all probes are taken",
            Self::CircuitRecovering => "circuit is recovering and this call was held back",
            Self::CircuitIsolated => "circuit is isolated by an operator",
            Self::DeadlineExceeded => "deadline exceeded",
            Self::DeadlineExpired => "deadline had passed on arrival",
            Self::DeadlineTooShort => "deadline leaves too little time",
            Self::BulkheadFull => "bulkhead is full",
            Self::ClientThrottled => "held back by the client's throttle",
            Self::CriticalityTooLow => "overloaded, and the call is not critical enough",
            Self::FaultInjected => "fault injected",
            Self::LimitReached => "concurrency limit reached",
            Self::QueueOverloaded => "waited in an overloaded queue",
            Self::QueueTimeout => "no place became free in time",
            Self::ResourceExhausted => "too little memory or processor time",
            Self::TenantOverShare => "tenant is over its share",
        })
    }
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

    #[derive(Debug)]
    struct Wrapped(Rejection);

    impl fmt::Display for Wrapped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("wrapped")
        }
    }

    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_rejection_is_found_through_other_errors() {
        let wrapped = Wrapped(Rejection::new(Reason::CircuitIsolated, "a"));
        assert_eq!(Rejection::find(&wrapped), Some(&wrapped.0));
    }

    #[test]
    fn a_rejection_is_found_in_an_io_error() {
        let rejection = Rejection::new(Reason::CircuitOpen, "a");
        let error = std::io::Error::other(Wrapped(rejection.clone()));
        assert_eq!(Rejection::find(&error), Some(&rejection));
        assert_eq!(
            Rejection::find(&std::io::Error::other(rejection.clone())),
            Some(&rejection)
        );
    }

    #[test]
    fn other_errors_are_no_rejections() {
        assert_eq!(Rejection::find(&fmt::Error), None);
    }

    #[test]
    fn every_reason_has_a_word_of_its_own() {
        let words: std::collections::HashSet<_> = Reason::ALL.iter().map(|r| r.as_str()).collect();
        assert_eq!(words.len(), Reason::ALL.len());
    }
}
