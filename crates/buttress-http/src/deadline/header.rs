use buttress_metrics::Header;
use http::HeaderName;

/// A header that carries a deadline.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeadlineHeader {
    /// `connect-timeout-ms`: how much time remains, of the Connect protocol.
    ConnectTimeout,
    /// `x-envoy-expected-rq-timeout-ms`: how much time remains, as Envoy tells those behind it.
    EnvoyExpected,
    /// `grpc-timeout`: how much time remains, of gRPC.
    GrpcTimeout,
    /// `x-deadline`: the moment, in RFC 3339. It needs clocks that agree.
    XDeadline,
}

impl DeadlineHeader {
    /// Every header, for tables and for tests that must not miss one.
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

    /// The header as the signals know it.
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

/// A set of headers that carry deadlines: the trusted ones.
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
    /// None of them: callers do not say how much time they have.
    pub const NONE: Self = Self(0);
    /// Those that say how much time remains, which is the default: no two clocks need to agree.
    pub const RELATIVE: Self = Self::NONE
        .with(DeadlineHeader::ConnectTimeout)
        .with(DeadlineHeader::EnvoyExpected)
        .with(DeadlineHeader::GrpcTimeout);

    /// The same set and `header`.
    #[must_use]
    pub const fn with(self, header: DeadlineHeader) -> Self {
        Self(self.0 | header.bit())
    }

    /// The same set without `header`.
    #[must_use]
    pub const fn without(self, header: DeadlineHeader) -> Self {
        Self(self.0 & !header.bit())
    }

    /// Whether `header` is in the set.
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
