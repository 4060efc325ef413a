use std::time::Duration;

use buttress_core::{ClientDeadline, ConfigError, Mode};
use buttress_http::Until;
use buttress_http::deadline::DeadlineHeader;

use crate::limits::Limits;

/// The configuration of [`Deadlines`](crate::Deadlines) for outgoing calls.
///
/// | field | meaning | default |
/// |---|---|---|
/// | [`timeout`](Self::timeout) | the maximum time of a call | none: the deadline of the caller |
/// | [`margin`](Self::margin) | the time for the network, which the called service does not get | 5 ms |
/// | [`minimum`](Self::minimum) | the minimum time to send a call with | 1 ms |
/// | [`header`](Self::header) | the header of a call that is not gRPC | `x-envoy-expected-rq-timeout-ms` |
/// | [`until`](Self::until) | whether the deadline covers the body | [`Until::BodyEnd`] |
/// | [`head_timeout`](Self::head_timeout) | the timeout of the head of the response | none |
/// | [`body_idle`](Self::body_idle) | the timeout of each frame of the body, and of the reader's next poll | none |
/// | [`body_timeout`](Self::body_timeout) | the timeout of the body, from its head | none |
/// | [`extension`](Self::extension) | whether requests have their `Deadline` as an extension | yes |
/// | [`mode`](Self::mode) | whether the deadline is enforced | [`Mode::Enforce`] |
///
/// A gRPC call has `grpc-timeout`, whatever the header.
///
/// ```
/// use std::time::Duration;
/// use buttress_deadline::{ClientDeadlineConfig, DeadlineLayer, Deadlines};
///
/// let config = ClientDeadlineConfig::default()
///     .timeout(Duration::from_millis(800))
///     .margin(Duration::from_millis(20)); // in a distant region
/// let layer = DeadlineLayer::client(&Deadlines::new("payments", config));
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
    /// Sets the maximum time of a call. There is none by default: a call has the deadline of its caller.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.rule.timeout = timeout.into();
        self
    }

    /// Sets the time for the network: the called service gets this much less than remains. The default is 5 ms.
    #[must_use]
    pub fn margin(mut self, margin: Duration) -> Self {
        self.rule.margin = margin;
        self
    }

    /// Sets the minimum time to send a call with, after the margin. A call with less is rejected, because it could
    /// not end in time. The default is 1 ms.
    #[must_use]
    pub fn minimum(mut self, minimum: Duration) -> Self {
        self.rule.minimum = minimum;
        self
    }

    /// Sets the header for the remaining time of a call that is not gRPC. `x-deadline` is a moment of the wall clock,
    /// and only for services with synchronized clocks.
    #[must_use]
    pub fn header(mut self, header: DeadlineHeader) -> Self {
        self.header = header;
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
    /// [`Deadline`](buttress_core::Deadline), and the [`Criticality`](buttress_core::Criticality) of the task as
    /// another, for layers that are polled in another task, such as those inside a `Buffer`. This needs an allocation
    /// or two. The task has the deadline in any case.
    #[must_use]
    pub fn extension(mut self, extension: bool) -> Self {
        self.extension = extension;
        self
    }

    /// Sets whether the deadline is enforced: otherwise calls are neither rejected nor ended, and headers are not
    /// changed.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// How long the service may take to become ready, before the request is known.
    pub(crate) fn ready_within(&self) -> Option<Duration> {
        self.rule.timeout
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
