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

/// What a remote service answered: its problem, as a typed error.
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
/// It is not the [`Problem`] itself, and does not have it as its source, because a [`ProblemLayer`] answers
/// with any problem it finds in an error. What a remote tells us, it does not tell our clients: hand it on with
/// [`Problems::on`] where that is wanted. For the same reason it is never read back into a
/// [`Rejection`](buttress_core::Rejection), which always means that *we* said no.
///
/// [`ProblemLayer`]: crate::ProblemLayer
/// [`Problems::on`]: crate::Problems::on
#[derive(Debug)]
pub struct ProblemError {
    problem: Problem,
    unread: Option<BoxError>,
}

impl ProblemError {
    /// Reads the problem that a response is, if it is one: by its content type, a problem document, or a gRPC
    /// or gRPC-Web call that failed in its headers.
    ///
    /// It is read as tolerantly as the standard asks: members of the wrong type are ignored, unknown ones kept,
    /// and the status is that of the response. A body that is no document at all leaves the bare status, and
    /// the reason why as [`source`](Error::source). Where no member says when to try again, the `Retry-After`
    /// header does.
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

    /// Reads the problem that headers or trailers of a gRPC call report; `None` if it did not fail, or not yet.
    #[must_use]
    pub fn from_grpc(headers: &HeaderMap) -> Option<Self> {
        let problem = grpc::read(headers)?;
        Some(Self {
            problem,
            unread: None,
        })
    }

    /// Lets a response pass, unless it is a problem.
    ///
    /// The body of a problem is read up to `cap` bytes; a longer or broken one leaves the bare status. Any other
    /// response is given back as it was.
    ///
    /// # Errors
    ///
    /// The problem that the response is.
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

    /// What the remote service said.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// What the remote service said, to be said again.
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
        write!(f, "remote answered {}", self.problem)
    }
}

impl Error for ProblemError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.unread.as_deref().map(|error| error as _)
    }
}

/// Whether the content type is that of gRPC, or of gRPC-Web, whose head may say that a call failed as well.
fn is_any_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    is_grpc(content_type) || is_grpc_web(content_type)
}

/// Whether the content type is that of a problem document, whatever its parameters.
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
