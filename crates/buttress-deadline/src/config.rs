use std::time::Duration;

use buttress_core::{ConfigError, Mode, ServerDeadline};
use buttress_http::Until;
use buttress_http::deadline::DeadlineHeaders;

use crate::limits::Limits;

/// The configuration of [`Deadlines`](crate::Deadlines) for incoming calls.
///
/// | field | meaning | default |
/// |---|---|---|
/// | [`timeout`](Self::timeout) | the time of a call whose caller sends no deadline, and the maximum | none |
/// | [`maximum`](Self::maximum) | the maximum time of a call, if it differs from the timeout | the timeout |
/// | [`minimum`](Self::minimum) | the minimum time to start a call with | 0: any |
/// | [`offset`](Self::offset) | subtracted from the caller's deadline | 1 ms |
/// | [`trusted_headers`](Self::trusted_headers) | the trusted deadline headers | the relative ones |
/// | [`clock_skew`](Self::clock_skew) | how far in the past an `x-deadline` may be | 30 s |
/// | [`until`](Self::until) | whether the deadline covers the body | [`Until::BodyEnd`] |
/// | [`head_timeout`](Self::head_timeout) | the timeout of the head of the response | none |
/// | [`body_idle`](Self::body_idle) | the timeout of each frame of the body, and of the reader's next poll | none |
/// | [`body_timeout`](Self::body_timeout) | the timeout of the body, from its head | none |
/// | [`extension`](Self::extension) | whether requests have their `Deadline` as an extension | yes |
/// | [`mode`](Self::mode) | whether the deadline is enforced | [`Mode::Enforce`] |
///
/// [`DeadlineLayer::new`](crate::DeadlineLayer::new) does not read headers, bodies or extensions, and uses the other
/// fields. For a server:
///
/// ```
/// use std::time::Duration;
/// use buttress_deadline::{DeadlineConfig, DeadlineLayer, Deadlines};
///
/// let config = DeadlineConfig::default()
///     .timeout(Duration::from_secs(2))
///     .maximum(Duration::from_secs(30)) // for callers that request it
///     .minimum(Duration::from_millis(20));
/// let layer = DeadlineLayer::server(&Deadlines::new("api", config));
/// # let _ = layer;
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeadlineConfig {
    pub(crate) rule: ServerDeadline,
    pub(crate) limits: Limits,
    pub(crate) trusted_headers: DeadlineHeaders,
    pub(crate) clock_skew: Duration,
    pub(crate) extension: bool,
    pub(crate) mode: Mode,
}

impl DeadlineConfig {
    /// Sets the time of a call whose caller sends no deadline, and the maximum of all calls unless a
    /// [`maximum`](Self::maximum) is set. There is none by default.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.rule.timeout = timeout.into();
        self
    }

    /// Sets the maximum time of a call, whatever its caller's deadline. The default is the timeout.
    #[must_use]
    pub fn maximum(mut self, maximum: impl Into<Option<Duration>>) -> Self {
        self.rule.maximum = maximum.into();
        self
    }

    /// Sets the minimum time to start a call with: a call with less is rejected, because it could not end in time.
    /// The default is 0.
    #[must_use]
    pub fn minimum(mut self, minimum: Duration) -> Self {
        self.rule.minimum = minimum;
        self
    }

    /// Sets the time that is subtracted from the caller's deadline, so that the caller gets the response before its
    /// own timeout. A call whose deadline is not later than that is rejected. The default is 1 ms.
    ///
    /// Tokio's timers have a resolution of 1 ms. The default is enough to be earlier than a host that reads the same
    /// header, such as tonic's server.
    #[must_use]
    pub fn offset(mut self, offset: Duration) -> Self {
        self.rule.offset = offset;
        self
    }

    /// Sets the headers that callers may send deadlines in. The earliest is used.
    #[must_use]
    pub fn trusted_headers(mut self, headers: DeadlineHeaders) -> Self {
        self.trusted_headers = headers;
        self
    }

    /// Sets how far in the past an `x-deadline` may be. A moment further in the past is ignored, because it indicates
    /// a wrong clock rather than a late call. The default is 30 s.
    #[must_use]
    pub fn clock_skew(mut self, clock_skew: Duration) -> Self {
        self.clock_skew = clock_skew;
        self
    }

    /// Sets whether the deadline covers the body (the default), or only the head, for streams without an end.
    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.limits.until = until;
        self
    }

    /// Sets the timeout of the head of the response. An earlier deadline applies. There is none by default.
    #[must_use]
    pub fn head_timeout(mut self, head_timeout: impl Into<Option<Duration>>) -> Self {
        self.limits.head_timeout = head_timeout.into();
        self
    }

    /// Sets how long the reader may wait for a frame, and how long a frame may wait for the reader. Each wait has the
    /// full time: the reader's starts at the head or at a frame, and the body's when the reader polls for the next
    /// frame. A client that does not read from its connection holds a body at most for this time. There is none by
    /// default.
    #[must_use]
    pub fn body_idle(mut self, body_idle: impl Into<Option<Duration>>) -> Self {
        self.limits.body_idle = body_idle.into();
        self
    }

    /// Sets the timeout of the body, from the head to its end. An earlier deadline applies. There is none by default.
    #[must_use]
    pub fn body_timeout(mut self, body_timeout: impl Into<Option<Duration>>) -> Self {
        self.limits.body_timeout = body_timeout.into();
        self
    }

    /// Sets whether a request with a deadline has it as an extension of the type
    /// [`Deadline`](buttress_core::Deadline), for extractors and for code that sends the request to another task.
    /// This needs an allocation or two. The task has the deadline in any case.
    #[must_use]
    pub fn extension(mut self, extension: bool) -> Self {
        self.extension = extension;
        self
    }

    /// Sets whether the deadline is enforced: otherwise calls are neither rejected nor ended, and have no deadline.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// How long the service may take to become ready, before the request is known.
    pub(crate) fn ready_within(&self) -> Option<Duration> {
        self.rule.timeout.or(self.rule.maximum)
    }

    /// Checks the configuration.
    ///
    /// # Errors
    ///
    /// The first invalid field, with its value and its bound.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.rule.check()?;
        self.limits.check()
    }
}

impl Default for DeadlineConfig {
    fn default() -> Self {
        Self {
            rule: ServerDeadline {
                offset: Duration::from_millis(1),
                ..ServerDeadline::default()
            },
            limits: Limits::default(),
            trusted_headers: DeadlineHeaders::RELATIVE,
            clock_skew: Duration::from_secs(30),
            extension: true,
            mode: Mode::Enforce,
        }
    }
}
