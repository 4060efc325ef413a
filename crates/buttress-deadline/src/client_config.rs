use std::time::Duration;

use buttress_core::{ClientDeadline, ConfigError, Mode};
use buttress_http::Until;
use buttress_http::deadline::DeadlineHeader;

use crate::limits::Limits;

/// How much time a call has that goes out, and how that is said.
///
/// | field | what it is | default |
/// |---|---|---|
/// | [`timeout`](Self::timeout) | what a call gets at most | none: what its caller has |
/// | [`margin`](Self::margin) | kept back for the way there and back | 5 ms |
/// | [`minimum`](Self::minimum) | the least time a call is sent with | 1 ms |
/// | [`header`](Self::header) | the header of a call that is not gRPC | `x-envoy-expected-rq-timeout-ms` |
/// | [`until`](Self::until) | what the deadline covers | the body, to its end |
/// | [`head_timeout`](Self::head_timeout) | how long the head of the response may take | none |
/// | [`body_idle`](Self::body_idle) | how long the next frame of the body may take, and how long its reader may leave it alone | none |
/// | [`body_timeout`](Self::body_timeout) | how long the body may take, from its head | none |
/// | [`extension`](Self::extension) | whether requests carry their `Deadline` as an extension | yes |
/// | [`mode`](Self::mode) | whether the layer binds | [`Mode::Enforce`] |
///
/// A gRPC call carries `grpc-timeout`, whatever the header.
///
/// ```
/// use std::time::Duration;
/// use buttress_deadline::{ClientDeadlineConfig, DeadlineLayer};
///
/// let config = ClientDeadlineConfig::default()
///     .timeout(Duration::from_millis(800))
///     .margin(Duration::from_millis(20)); // it is far away
/// let layer = DeadlineLayer::client_with(config).named("payments");
/// # let _ = layer;
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClientDeadlineConfig {
    pub(crate) rule: ClientDeadline,
    pub(crate) limits: Limits,
    pub(crate) header: DeadlineHeader,
    pub(crate) extension: bool,
    pub(crate) mode: Mode,
}

impl ClientDeadlineConfig {
    /// What a call gets at most, whatever its caller has.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.rule.timeout = timeout.into();
        self
    }

    /// The time for the way there and back: the called service gets this much less than the caller waits.
    #[must_use]
    pub fn margin(mut self, margin: Duration) -> Self {
        self.rule.margin = margin;
        self
    }

    /// The least time that a call is sent with, after the margin: one with less is rejected, for it could not end
    /// in time.
    #[must_use]
    pub fn minimum(mut self, minimum: Duration) -> Self {
        self.rule.minimum = minimum;
        self
    }

    /// The header for the remaining time of a call that is not gRPC. `x-deadline` is a moment of the wall clock, and
    /// only for services with synchronized clocks.
    #[must_use]
    pub fn header(mut self, header: DeadlineHeader) -> Self {
        self.header = header;
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
    /// [`Deadline`](buttress_core::Deadline), and the [`Criticality`](buttress_core::Criticality) of the task as
    /// another, for layers that are polled in another task, such as those behind a `Buffer`. It costs an allocation or
    /// two. The task has the deadline in any case.
    #[must_use]
    pub fn extension(mut self, extension: bool) -> Self {
        self.extension = extension;
        self
    }

    /// Whether the layer enforces: otherwise calls are neither rejected nor ended, and no header is touched.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// How long a service may take to become ready, before the request is known.
    pub(crate) fn ready_within(&self) -> Option<Duration> {
        self.rule.timeout
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

impl Default for ClientDeadlineConfig {
    fn default() -> Self {
        Self {
            rule: ClientDeadline::default(),
            limits: Limits::default(),
            header: DeadlineHeader::EnvoyExpected,
            extension: true,
            mode: Mode::Enforce,
        }
    }
}
