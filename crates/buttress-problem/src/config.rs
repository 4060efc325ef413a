use buttress_core::Ratio;
use http::HeaderName;

use crate::Problems;

/// How errors become responses.
///
/// | field | default | |
/// |---|---|---|
/// | `problems` | nothing registered | which error is which problem |
/// | `request_id_header` | `x-request-id` | where the request's id is read and repeated; `None` for nowhere |
/// | `instance` | `false` | whether the path of the request is the problem's `instance` |
/// | `retry_after_jitter` | 0 % | by how much a wait may be lengthened, so that clients do not retry at once |
#[derive(Debug, Clone)]
pub struct ProblemConfig {
    pub(crate) problems: Problems,
    pub(crate) request_id_header: Option<HeaderName>,
    pub(crate) instance: bool,
    pub(crate) retry_after_jitter: Ratio,
}

impl ProblemConfig {
    /// Takes the problems from here.
    #[must_use]
    pub fn problems(mut self, problems: Problems) -> Self {
        self.problems = problems;
        self
    }

    /// Reads the id of a request from this header, and repeats it there and in the member `request_id`.
    ///
    /// An id that is not 1 to 128 characters of visible ASCII is ignored. None is made up where there is none.
    #[must_use]
    pub fn request_id_header(mut self, header: impl Into<Option<HeaderName>>) -> Self {
        self.request_id_header = header.into();
        self
    }

    /// Names the path of the request, never its query, as the `instance` of a problem that has none.
    ///
    /// This costs an allocation for every call, also for one that succeeds.
    #[must_use]
    pub fn instance(mut self, instance: bool) -> Self {
        self.instance = instance;
        self
    }

    /// Lengthens each wait by a random part of itself, up to this one.
    ///
    /// Otherwise all callers rejected by one circuit get the same moment, and retry at the same time.
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
