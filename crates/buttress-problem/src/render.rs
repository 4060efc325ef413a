//! A problem as an HTTP response.

use buttress_http::RETRY;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use crate::Problem;

impl<B: From<Bytes>> From<Problem> for Response<B> {
    /// Returns the problem as JSON, with its headers. An outer [`ProblemLayer`](crate::ProblemLayer) converts it to
    /// the format that the client accepts, and adds the id of the request.
    fn from(problem: Problem) -> Self {
        let mut response = json(&problem).map(B::from);
        response.extensions_mut().insert(Answer(problem));
        response
    }
}

/// The problem of a response, in its extensions, for the layer that knows the request.
#[derive(Debug, Clone)]
pub(crate) struct Answer(pub(crate) Problem);

/// Takes the problem of a response, if its format has not been changed since.
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

/// The headers for the format of a problem and its wait.
pub(crate) const FORM: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::RETRY_AFTER,
    header::CACHE_CONTROL,
];

/// Returns the problem as `application/problem+json`.
pub(crate) fn json(problem: &Problem) -> Response<Bytes> {
    let body = serde_json::to_vec(problem).expect("all keys of a problem are strings");
    response(
        problem,
        HeaderValue::from_static(Problem::CONTENT_TYPE),
        body,
    )
}

/// Returns the problem as plain text.
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
        // In whole seconds, rounded up.
        let seconds = after.as_millis().div_ceil(1_000) as u64;
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if problem.retryable() == Some(false) {
        // Also in the document, but a client decides without reading it.
        headers.insert(RETRY, HeaderValue::from_static("no"));
    }
    if passes(status) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Whether the status is temporary, so that a cache must not store it.
fn passes(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}
