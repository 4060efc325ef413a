use std::time::Duration;

use buttress_core::{ConfigError, Mode, ServerDeadline};
use buttress_http::Until;
use buttress_http::deadline::DeadlineHeaders;

use crate::limits::Limits;

/// When a call that arrives has to be over.
///
/// | field | what it is | default |
/// |---|---|---|
/// | [`timeout`](Self::timeout) | the time of a call whose caller sends no deadline, and the maximum | none |
/// | [`maximum`](Self::maximum) | the most that a call gets, where that is more | the timeout |
/// | [`minimum`](Self::minimum) | the least time a call is started with | 0: anything |
/// | [`offset`](Self::offset) | taken off what the caller gives | 1 ms |
/// | [`trusted_headers`](Self::trusted_headers) | the trusted deadline headers | the relative ones |
/// | [`clock_skew`](Self::clock_skew) | how far past a moment of `x-deadline` may be | 30 s |
/// | [`until`](Self::until) | what the deadline covers | the body, to its end |
/// | [`head_timeout`](Self::head_timeout) | how long the head of the response may take | none |
/// | [`body_idle`](Self::body_idle) | how long the next frame of the body may take, and how long its reader may leave it alone | none |
/// | [`body_timeout`](Self::body_timeout) | how long the body may take, from its head | none |
/// | [`extension`](Self::extension) | whether requests carry their `Deadline` as an extension | yes |
/// | [`mode`](Self::mode) | whether the layer binds | [`Mode::Enforce`] |
///
/// A plain [`DeadlineLayer::new`](crate::DeadlineLayer::new) has neither headers, bodies nor extensions, and goes
/// by the others. For a server:
///
/// ```
/// use std::time::Duration;
/// use buttress_deadline::{DeadlineConfig, DeadlineLayer};
///
/// let config = DeadlineConfig::default()
///     .timeout(Duration::from_secs(2))
///     .maximum(Duration::from_secs(30)) // for callers that request it
///     .minimum(Duration::from_millis(20));
/// let layer = DeadlineLayer::server(config).named("api");
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
    /// The time of a call whose caller sends no deadline, and the maximum for all calls unless a
    /// [`maximum`](Self::maximum) is set.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.rule.timeout = timeout.into();
        self
    }

    /// The most that a call gets, however much its caller gives it.
    #[must_use]
    pub fn maximum(mut self, maximum: impl Into<Option<Duration>>) -> Self {
        self.rule.maximum = maximum.into();
        self
    }

    /// The least time that a call is started with: a call with less is rejected, for it could not end in time.
    #[must_use]
    pub fn minimum(mut self, minimum: Duration) -> Self {
        self.rule.minimum = minimum;
        self
    }

    /// Taken off what the caller gives, so that it gets our response before it gives up by itself. A call that is
    /// given no more than that is rejected.
    ///
    /// Tokio's timers are 1 ms coarse, and so is the default: it is enough for us to be first where the host
    /// looks at the same header, as tonic's server does.
    #[must_use]
    pub fn offset(mut self, offset: Duration) -> Self {
        self.rule.offset = offset;
        self
    }

    /// The headers by which callers give time. The earliest holds.
    #[must_use]
    pub fn trusted_headers(mut self, headers: DeadlineHeaders) -> Self {
        self.trusted_headers = headers;
        self
    }

    /// How far in the past a moment of `x-deadline` may lie: one further back is ignored, because it indicates a wrong
    /// clock rather than a late call.
    #[must_use]
    pub fn clock_skew(mut self, clock_skew: Duration) -> Self {
        self.clock_skew = clock_skew;
        self
    }

    /// What the deadline covers: the response to the end of its body, or to its head, for streams without an end.
    #[must_use]
    pub fn until(mut self, until: Until) -> Self {
        self.limits.until = until;
        self
    }

    /// How long the head of the response may take, in so far as the deadline is not earlier.
    #[must_use]
    pub fn head_timeout(mut self, head_timeout: impl Into<Option<Duration>>) -> Self {
        self.limits.head_timeout = head_timeout.into();
        self
    }

    /// How long the body may keep its reader waiting for a frame, and how long the reader may leave a frame unread. Each of
    /// the two has that time anew: from the head or a frame on it is the reader's, from when the reader asks for the next
    /// frame it is the body's. A client that takes nothing off its connection holds a body for no longer than this.
    #[must_use]
    pub fn body_idle(mut self, body_idle: impl Into<Option<Duration>>) -> Self {
        self.limits.body_idle = body_idle.into();
        self
    }

    /// How long the body may take, from the head to its end, in so far as the deadline is not earlier.
    #[must_use]
    pub fn body_timeout(mut self, body_timeout: impl Into<Option<Duration>>) -> Self {
        self.limits.body_timeout = body_timeout.into();
        self
    }

    /// Whether a request that has a deadline carries it as an extension of the type
    /// [`Deadline`](buttress_core::Deadline), for extractors and for whatever hands the request to another task.
    /// It costs an allocation or two. The task has the deadline in any case.
    #[must_use]
    pub fn extension(mut self, extension: bool) -> Self {
        self.extension = extension;
        self
    }

    /// Whether the layer enforces: otherwise calls are neither rejected nor ended, and do not carry a deadline.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// How long a service may take to become ready, before the request is known.
    pub(crate) fn ready_within(&self) -> Option<Duration> {
        self.rule.timeout.or(self.rule.maximum)
    }

    /// Whether the fields make sense.
    ///
    /// # Errors
    ///
    /// Names the first field that does not, its value, and what it must be.
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
