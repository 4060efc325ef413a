use std::error::Error;

use buttress_core::Ratio;
use http::HeaderName;

use crate::Problem;
use crate::registry::Registry;

/// The configuration of [`Problems`](crate::Problems).
///
/// | field | default | meaning |
/// |---|---|---|
/// | `on` | nothing registered | the problems of errors |
/// | `request_id_header` | `x-request-id` | the header of the request's id, which the response repeats; `None` for no header |
/// | `instance` | `false` | whether the path of the request is the problem's `instance` |
/// | `retry_after_jitter` | 0 % | the maximum extension of a wait, so that clients do not retry at the same time |
#[derive(Debug, Clone)]
pub struct ProblemConfig {
    pub(crate) registry: Registry,
    pub(crate) request_id_header: Option<HeaderName>,
    pub(crate) instance: bool,
    pub(crate) retry_after_jitter: Ratio,
}

impl ProblemConfig {
    /// Registers the problem of errors of type `E`. The last registration of a type is used.
    ///
    /// An error and its sources are searched, outermost first. For each, a registered type takes precedence; then a
    /// [`Problem`] is itself, and a [`Rejection`](buttress_core::Rejection) has an entry for each reason. If none of
    /// these is found, a gRPC status (a `tonic::Status`, with the feature `tonic`) is the problem of its code; its
    /// message is sent if the code blames the caller, and is internal otherwise. Any other error is a status without
    /// its text:
    ///
    /// | outcome by [`classify_error`](buttress_core::classify_error) | problem |
    /// |---|---|
    /// | timeout | 504 |
    /// | transport | 502 |
    /// | overload | 503 |
    /// | anything else | 500 |
    ///
    /// ```
    /// use buttress_problem::{Problem, ProblemConfig, Problems};
    /// use http::StatusCode;
    ///
    /// #[derive(Debug)]
    /// struct NoSuchOrder(u64);
    /// # impl std::fmt::Display for NoSuchOrder {
    /// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    /// #         write!(f, "no row with key {} in orders_v2", self.0)
    /// #     }
    /// # }
    /// # impl std::error::Error for NoSuchOrder {}
    ///
    /// let config = ProblemConfig::default().on(|error: &NoSuchOrder| {
    ///     Problem::new(StatusCode::NOT_FOUND).with_detail(format!("There is no order {}.", error.0))
    /// });
    /// let problems = Problems::new(config);
    ///
    /// assert_eq!(problems.of(&NoSuchOrder(7)).to_string(), "404 Not Found: There is no order 7.");
    /// assert_eq!(problems.of(&std::fmt::Error).to_string(), "500 Internal Server Error");
    /// ```
    #[must_use]
    pub fn on<E>(mut self, problem: impl Fn(&E) -> Problem + Send + Sync + 'static) -> Self
    where
        E: Error + 'static,
    {
        self.registry = self.registry.on(problem);
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
            registry: Registry::default(),
            request_id_header: Some(HeaderName::from_static("x-request-id")),
            instance: false,
            retry_after_jitter: Ratio::ZERO,
        }
    }
}
