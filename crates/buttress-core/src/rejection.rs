use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::chain::chain;
use crate::{Name, Reason, Scope};

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
            scope: reason.scope(),
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
}
