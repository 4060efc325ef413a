use buttress_core::Ratio;
use http::HeaderName;

use crate::Problems;

/// The configuration of a [`ProblemLayer`](crate::ProblemLayer).
///
/// | field | default | meaning |
/// |---|---|---|
/// | `problems` | nothing registered | maps errors to problems |
/// | `request_id_header` | `x-request-id` | the header of the request's id, which the response repeats; `None` for no header |
/// | `instance` | `false` | whether the path of the request is the problem's `instance` |
/// | `retry_after_jitter` | 0 % | the maximum extension of a wait, so that clients do not retry at the same time |
#[derive(Debug, Clone)]
pub struct ProblemConfig {
    pub(crate) problems: Problems,
    pub(crate) request_id_header: Option<HeaderName>,
    pub(crate) instance: bool,
    pub(crate) retry_after_jitter: Ratio,
}

impl ProblemConfig {
    /// Sets the mapping from errors to problems.
    #[must_use]
    pub fn problems(mut self, problems: Problems) -> Self {
        self.problems = problems;
        self
    }

    /// Sets the header of the request's id. The response repeats the id in this header and in the member
    /// `request_id`. The default is `x-request-id`.
    ///
    /// An id that is not 1 to 128 characters of visible ASCII is ignored. If there is none, none is created.
    #[must_use]
    pub fn request_id_header(mut self, header: impl Into<Option<HeaderName>>) -> Self {
        self.request_id_header = header.into();
        self
    }

    /// Sets whether the path of the request, without its query, is the `instance` of a problem that has none. The
    /// default is `false`.
    ///
    /// This needs an allocation for every call, also for calls that succeed.
    #[must_use]
    pub fn instance(mut self, instance: bool) -> Self {
        self.instance = instance;
        self
    }

    /// Sets the maximum by which a wait is extended, at random. The default is 0 %.
    ///
    /// Without it, all callers that one circuit rejects retry at the same moment.
    #[must_use]
    pub fn retry_after_jitter(mut self, jitter: Ratio) -> Self {
        self.retry_after_jitter = jitter;
        self
    }
}

impl Default for ProblemConfig {
    fn default() -> Self {
        Self {
            problems: Problems::new(),
            request_id_header: Some(HeaderName::from_static("x-request-id")),
            instance: false,
            retry_after_jitter: Ratio::ZERO,
        }
    }
}
