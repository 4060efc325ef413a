//! A problem as an HTTP response.

use buttress_http::RETRY;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use crate::Problem;

impl<B: From<Bytes>> From<Problem> for Response<B> {
    /// The problem as JSON, with its headers. A [`ProblemLayer`](crate::ProblemLayer) that the response passes answers in
    /// the form that the client accepts, and with the id of the request.
    fn from(problem: Problem) -> Self {
        let mut response = json(&problem).map(B::from);
        response.extensions_mut().insert(Answer(problem));
        response
    }
}

/// In the extensions of a response: the problem that it is, for the layer that knows the request.
#[derive(Debug, Clone)]
pub(crate) struct Answer(pub(crate) Problem);

/// The problem in a response, if its form has not been changed since.
pub(crate) fn take_answer<B>(response: &mut Response<B>) -> Option<Problem> {
    let Answer(problem) = response.extensions_mut().remove()?;
    let headers = response.headers();
    let is_unchanged = response.status() == problem.status()
        && headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|form| form == Problem::CONTENT_TYPE)
        && !headers.contains_key(header::CONTENT_ENCODING);
    is_unchanged.then_some(problem)
}

/// The headers that say which form a problem has, and when to try again.
pub(crate) const FORM: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::RETRY_AFTER,
    header::CACHE_CONTROL,
];

/// The problem as `application/problem+json`.
pub(crate) fn json(problem: &Problem) -> Response<Bytes> {
    let body = serde_json::to_vec(problem).expect("every key of a problem is a string");
    response(
        problem,
        HeaderValue::from_static(Problem::CONTENT_TYPE),
        body,
    )
}

/// The problem for a person to read.
pub(crate) fn text(problem: &Problem) -> Response<Bytes> {
    let mut body = format!("{} {}\n", problem.status().as_u16(), problem.title());
    for (label, line) in [
        ("", problem.detail()),
        ("request id: ", problem.request_id()),
    ] {
        if let Some(line) = line {
            body.extend([label, line, "\n"]);
        }
    }
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response(problem, content_type, body.into_bytes())
}

fn response(problem: &Problem, content_type: HeaderValue, body: Vec<u8>) -> Response<Bytes> {
    let status = problem.status();
    let length = body.len();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CONTENT_LENGTH, length.into());
    if let Some(after) = problem.retry_after() {
        // In whole seconds, and up: earlier would be too early.
        let seconds = after.as_millis().div_ceil(1_000) as u64;
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if problem.retryable() == Some(false) {
        // The document says so as well, but no client reads that before it decides.
        headers.insert(RETRY, HeaderValue::from_static("no"));
    }
    if passes(status) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Whether the status is a temporary state, which a cache must not go on serving.
fn passes(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}
