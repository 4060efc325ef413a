use crate::meter::{Family, Meter, Registrar};
use crate::names;

/// The signals of reading HTTP.
///
/// See the [crate docs](crate) for what it emits.
#[derive(Debug)]
pub struct HttpSignals {
    meter: Meter<Handles>,
}

/// An event of reading HTTP.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpEvent {
    /// A header field was malformed, and treated as absent. The event does not have its value, because peers choose
    /// it.
    MalformedHeader(Header),
}

/// The header fields that Buttress reads.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// `connect-timeout-ms`
    ConnectTimeout,
    /// `x-envoy-expected-rq-timeout-ms`
    EnvoyExpectedTimeout,
    /// `grpc-retry-pushback-ms`
    GrpcRetryPushback,
    /// `grpc-status`
    GrpcStatus,
    /// `grpc-timeout`
    GrpcTimeout,
    /// `retry-after`
    RetryAfter,
    /// `x-criticality`
    XCriticality,
    /// `x-deadline`
    XDeadline,
}

impl HttpSignals {
    /// Creates signals. Most code uses the [global](Self::global) ones.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            meter: Meter::new(),
        }
    }

    /// Returns the signals of the process, for functions without a handle.
    #[must_use]
    pub fn global() -> &'static Self {
        static GLOBAL: HttpSignals = HttpSignals::new();
        &GLOBAL
    }

    /// Emits the signals.
    pub fn emit(&self, event: HttpEvent) {
        self.record(event);
        log(event);
    }

    fn record(&self, event: HttpEvent) {
        let handles = self.meter.handles();
        if let Some(handles) = handles.or_else(|| self.meter.find(None, Handles::register)) {
            match event {
                HttpEvent::MalformedHeader(header) => handles.malformed_headers.increment(header),
            }
        }
    }
}

impl Default for HttpSignals {
    fn default() -> Self {
        Self::new()
    }
}

impl Header {
    /// All header fields.
    pub const ALL: &'static [Self] = &[
        Self::ConnectTimeout,
        Self::EnvoyExpectedTimeout,
        Self::GrpcRetryPushback,
        Self::GrpcStatus,
        Self::GrpcTimeout,
        Self::RetryAfter,
        Self::XCriticality,
        Self::XDeadline,
    ];

    /// Returns the name of the field, as a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConnectTimeout => "connect-timeout-ms",
            Self::EnvoyExpectedTimeout => "x-envoy-expected-rq-timeout-ms",
            Self::GrpcRetryPushback => "grpc-retry-pushback-ms",
            Self::GrpcStatus => "grpc-status",
            Self::GrpcTimeout => "grpc-timeout",
            Self::RetryAfter => "retry-after",
            Self::XCriticality => "x-criticality",
            Self::XDeadline => "x-deadline",
        }
    }
}

fn log(event: HttpEvent) {
    match event {
        HttpEvent::MalformedHeader(header) => event!(
            DEBUG,
            "buttress::http",
            "malformed header ignored",
            header = header.as_str()
        ),
    }
}

#[derive(Debug)]
struct Handles {
    malformed_headers: Family<Header>,
}

impl Handles {
    fn register(registrar: &Registrar<'_>) -> Self {
        let headers = Header::ALL.iter().copied();
        Self {
            malformed_headers: registrar.family(
                &names::HTTP_MALFORMED_HEADERS,
                headers,
                |header| vec![("header", header.as_str().into())],
            ),
        }
    }
}
