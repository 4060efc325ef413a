use buttress_metrics::Header;
use http::HeaderName;

/// A header that carries a deadline.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeadlineHeader {
    /// `connect-timeout-ms` of the Connect protocol: the remaining time.
    ConnectTimeout,
    /// `x-envoy-expected-rq-timeout-ms` of Envoy: the remaining time.
    EnvoyExpected,
    /// `grpc-timeout` of gRPC: the remaining time.
    GrpcTimeout,
    /// `x-deadline`: the moment, in RFC 3339. It needs synchronized clocks.
    XDeadline,
}

impl DeadlineHeader {
    /// All headers.
    pub const ALL: &'static [Self] = &[
        Self::ConnectTimeout,
        Self::EnvoyExpected,
        Self::GrpcTimeout,
        Self::XDeadline,
    ];

    /// The header's name.
    #[must_use]
    pub const fn name(self) -> HeaderName {
        HeaderName::from_static(self.field().as_str())
    }

    /// The header as `buttress-metrics` names it.
    pub(super) const fn field(self) -> Header {
        match self {
            Self::ConnectTimeout => Header::ConnectTimeout,
            Self::EnvoyExpected => Header::EnvoyExpectedTimeout,
            Self::GrpcTimeout => Header::GrpcTimeout,
            Self::XDeadline => Header::XDeadline,
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of deadline headers: those that are trusted.
///
/// ```
/// use buttress_http::deadline::{DeadlineHeader, DeadlineHeaders};
///
/// let believed = DeadlineHeaders::RELATIVE.with(DeadlineHeader::XDeadline);
/// assert!(believed.contains(DeadlineHeader::GrpcTimeout));
/// assert!(!DeadlineHeaders::default().contains(DeadlineHeader::XDeadline));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadlineHeaders(u8);

impl DeadlineHeaders {
    /// No header: callers do not send deadlines.
    pub const NONE: Self = Self(0);
    /// The headers with the remaining time. This is the default: they do not need synchronized clocks.
    pub const RELATIVE: Self = Self::NONE
        .with(DeadlineHeader::ConnectTimeout)
        .with(DeadlineHeader::EnvoyExpected)
        .with(DeadlineHeader::GrpcTimeout);

    /// Adds `header` to the set.
    #[must_use]
    pub const fn with(self, header: DeadlineHeader) -> Self {
        Self(self.0 | header.bit())
    }

    /// Removes `header` from the set.
    #[must_use]
    pub const fn without(self, header: DeadlineHeader) -> Self {
        Self(self.0 & !header.bit())
    }

    /// Returns whether `header` is in the set.
    #[must_use]
    pub const fn contains(self, header: DeadlineHeader) -> bool {
        self.0 & header.bit() != 0
    }
}

impl Default for DeadlineHeaders {
    fn default() -> Self {
        Self::RELATIVE
    }
}
