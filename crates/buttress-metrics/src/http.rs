use crate::meter::{Family, Meter, Registrar};
use crate::names;

/// The signals of what reads and writes HTTP.
///
/// See the [crate docs](crate) for what it emits.
#[derive(Debug)]
pub struct HttpSignals {
    meter: Meter<Handles>,
}

/// What happened while HTTP was read.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpEvent {
    /// A header field could not be read and was taken for absent. Its value is not told: it is a stranger's.
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
    /// The signals of one reader. Mostly one wants those [of the process](Self::global).
    #[must_use]
    pub const fn new() -> Self {
        Self {
            meter: Meter::new(),
        }
    }

    /// The signals of the process, for functions that belong to no handle.
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
    /// Every field, for tables and for tests that must not miss one.
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

    /// The field's name, as a metric label.
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
