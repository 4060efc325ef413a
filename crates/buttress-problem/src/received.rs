use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;

use buttress_core::BoxError;
use buttress_http::RetryAfter;
use buttress_http::grpc::{is_grpc, is_grpc_web};
use bytes::{Buf, BufMut};
use http::{HeaderMap, Response, StatusCode, header};
use http_body::Body;

use crate::{Problem, grpc, parse};

/// The problem that a remote service responded with, as a typed error.
///
/// ```
/// use buttress_core::{Reason, Scope};
/// use buttress_problem::ProblemError;
/// use http::{HeaderMap, HeaderValue, StatusCode, header};
/// use std::time::Duration;
///
/// let headers = HeaderMap::from_iter([(
///     header::CONTENT_TYPE,
///     HeaderValue::from_static("application/problem+json"),
/// )]);
/// let body = br#"{"status":503,"reason":"circuit_open","scope":"cluster","retry_after_ms":1500}"#;
///
/// let error = ProblemError::parse(StatusCode::SERVICE_UNAVAILABLE, &headers, body).ok_or("no problem")?;
/// assert_eq!(error.problem().reason(), Some(Reason::CircuitOpen));
/// assert_eq!(error.problem().scope(), Some(Scope::Cluster));
/// assert_eq!(error.problem().retry_after(), Some(Duration::from_millis(1_500)));
/// # Ok::<(), &str>(())
/// ```
///
/// It is not a [`Problem`], and does not have one as its source, because a [`ProblemLayer`] sends any problem in an
/// error to the client, and the problems of a remote service are not for our clients. Use [`ProblemConfig::on`] to pass
/// one on. For the same reason it is never read back as a [`Rejection`](buttress_core::Rejection), which is always a
/// rejection by *this* process.
///
/// [`ProblemLayer`]: crate::ProblemLayer
/// [`ProblemConfig::on`]: crate::ProblemConfig::on
#[derive(Debug)]
pub struct ProblemError {
    problem: Problem,
    unread: Option<BoxError>,
}

impl ProblemError {
    /// Reads the problem in a response, if it is one by its content type: a problem document, or a gRPC or gRPC-Web
    /// call that failed in its headers.
    ///
    /// It is read as tolerantly as the standard requires: members of the wrong type are ignored, unknown members
    /// kept, and the status is that of the response. A body that is not a document gives only the status, and the
    /// reason as [`source`](Error::source). If no member has the wait, the `Retry-After` header is used.
    #[must_use]
    pub fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        if is_any_grpc(headers) {
            return Self::from_grpc(headers);
        }
        is_problem(headers).then(|| {
            let document = parse::document(status, body);
            Self::read(status, headers, document)
        })
    }

    /// Reads the problem in the headers or trailers of a gRPC call; `None` if it has not failed or not ended.
    #[must_use]
    pub fn from_grpc(headers: &HeaderMap) -> Option<Self> {
        let problem = grpc::read(headers)?;
        Some(Self {
            problem,
            unread: None,
        })
    }

    /// Returns a response unchanged, unless it is a problem.
    ///
    /// The body of a problem is read up to `cap` bytes; a longer or broken one gives only the status.
    ///
    /// # Errors
    ///
    /// The problem in the response.
    pub async fn check<B>(response: Response<B>, cap: usize) -> Result<Response<B>, Self>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        if is_any_grpc(response.headers()) {
            return Self::from_grpc(response.headers()).map_or(Ok(response), Err);
        }
        if !is_problem(response.headers()) {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        let document = match collect(body, cap).await {
            Ok(body) => parse::document(head.status, &body),
            Err(error) => Err(error),
        };
        Err(Self::read(head.status, &head.headers, document))
    }

    /// Returns the problem.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Returns the problem, to pass it on.
    #[must_use]
    pub fn into_problem(self) -> Problem {
        self.problem
    }

    fn read(status: StatusCode, headers: &HeaderMap, document: Result<Problem, BoxError>) -> Self {
        let (mut problem, unread) = match document {
            Ok(problem) => (problem, None),
            Err(error) => (Problem::new(status), Some(error)),
        };
        if problem.retry_after().is_none() {
            let asked = RetryAfter::from_headers(headers).and_then(Result::ok);
            if let Some(wait) = asked.and_then(|asked| asked.wait_by_date_of(headers)) {
                problem = problem.with_retry_after(wait);
            }
        }
        Self { problem, unread }
    }
}

impl fmt::Display for ProblemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "remote responded with {}", self.problem)
    }
}

impl Error for ProblemError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.unread.as_deref().map(|error| error as _)
    }
}

/// Whether the content type is gRPC, or gRPC-Web, whose head may also have a failed status.
fn is_any_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    is_grpc(content_type) || is_grpc_web(content_type)
}

/// Whether the content type is that of a problem document, with any parameters.
fn is_problem(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(Problem::CONTENT_TYPE)
}

async fn collect<B>(body: B, cap: usize) -> Result<Vec<u8>, BoxError>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let Ok(data) = frame.map_err(Into::into)?.into_data() else {
            continue;
        };
        if data.remaining() > cap - bytes.len() {
            return Err(format!("problem document is longer than {cap} bytes").into());
        }
        bytes.put(data);
    }
    Ok(bytes)
}
