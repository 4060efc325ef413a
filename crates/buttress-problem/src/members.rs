//! The extension members that Buttress defines, with their types.

use std::time::Duration;

use buttress_core::{Reason, Scope};
use serde_json::Value;

use crate::Problem;

impl Problem {
    /// Sets the member `reason`: why a layer of Buttress rejected the call.
    #[must_use]
    pub fn with_reason(self, reason: Reason) -> Self {
        self.with_member(REASON, reason.as_str())
    }

    /// Sets the member `scope`: how far the rejection reaches.
    #[must_use]
    pub fn with_scope(self, scope: Scope) -> Self {
        self.with_member(SCOPE, scope.as_str())
    }

    /// Sets the member `retryable`: whether a retry of the same request can succeed. If not, the response also has
    /// the header `x-buttress-retry: no`, which a retry of Buttress respects.
    #[must_use]
    pub fn with_retryable(self, retryable: bool) -> Self {
        self.with_member(RETRYABLE, retryable)
    }

    /// Sets the member `retry_after_ms`, rounded up, and from it the header `Retry-After` and gRPC's pushback. At
    /// most a year; a longer wait is written as a year.
    #[must_use]
    pub fn with_retry_after(self, after: Duration) -> Self {
        // Rounded up, because a client that retries a moment too early is rejected again.
        let ms = after.min(LONGEST_WAIT).as_nanos().div_ceil(1_000_000);
        self.with_member(RETRY_AFTER_MS, ms as u64)
    }

    /// Sets the member `request_id`: the id of the request in the logs.
    #[must_use]
    pub fn with_request_id(self, id: &str) -> Self {
        self.with_member(REQUEST_ID, id)
    }

    /// Returns why a layer of Buttress rejected the call, if it did and this version knows the reason.
    ///
    /// The text of an unknown reason, from a newer server, is in [`members`](Self::members).
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        let word = self.text(REASON)?;
        Reason::ALL
            .iter()
            .copied()
            .find(|reason| reason.as_str() == word)
    }

    /// Returns how far the rejection reaches.
    #[must_use]
    pub fn scope(&self) -> Option<Scope> {
        Scope::parse(self.text(SCOPE)?)
    }

    /// Returns whether a retry of the same request can succeed, if the problem has this member.
    #[must_use]
    pub fn retryable(&self) -> Option<bool> {
        self.members().get(RETRYABLE).and_then(Value::as_bool)
    }

    /// Returns how long to wait before a retry, if the problem has this member.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let ms = self.members().get(RETRY_AFTER_MS)?.as_u64()?;
        Some(Duration::from_millis(ms).min(LONGEST_WAIT))
    }

    /// Returns the id of the request in the server's logs.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.text(REQUEST_ID)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.members().get(name).and_then(Value::as_str)
    }
}

pub(crate) const REASON: &str = "reason";
pub(crate) const SCOPE: &str = "scope";
pub(crate) const RETRYABLE: &str = "retryable";
const RETRY_AFTER_MS: &str = "retry_after_ms";
const REQUEST_ID: &str = "request_id";

/// The longest wait that a problem can request: a year, as in the parsers of `buttress-http`.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn problem() -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE)
    }

    #[test]
    fn every_reason_and_scope_is_read_back() {
        for &reason in Reason::ALL {
            assert_eq!(problem().with_reason(reason).reason(), Some(reason));
        }
        for scope in [Scope::Instance, Scope::Cluster, Scope::Tenant] {
            assert_eq!(problem().with_scope(scope).scope(), Some(scope));
        }
    }

    #[test]
    fn a_wait_is_rounded_up_and_capped() {
        for (after, ms) in [
            (Duration::ZERO, 0),
            (Duration::from_nanos(1), 1),
            (Duration::from_millis(7), 7),
            (Duration::from_micros(7_001), 8),
            (Duration::MAX, 31_536_000_000),
        ] {
            let expected = Some(Duration::from_millis(ms));
            assert_eq!(problem().with_retry_after(after).retry_after(), expected);
        }
    }

    #[test]
    fn a_member_of_the_wrong_type_or_an_unknown_word_reads_as_absent() {
        let problem = [REASON, SCOPE, RETRYABLE, RETRY_AFTER_MS]
            .into_iter()
            .fold(problem(), |problem, name| {
                problem.with_member(name, "an unknown value")
            })
            .with_member(REQUEST_ID, 7);
        assert_eq!(problem.reason(), None);
        assert_eq!(problem.scope(), None);
        assert_eq!(problem.retryable(), None);
        assert_eq!(problem.retry_after(), None);
        assert_eq!(problem.request_id(), None);
        assert_eq!(problem.with_member(RETRY_AFTER_MS, -1).retry_after(), None);
    }
}
