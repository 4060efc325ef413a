use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use buttress_http::grpc::{
    CONTENT_TYPE, GrpcCode, MESSAGE, PUSHBACK, Pushback, STATUS, decode_message, encode_message,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};

use super::{codes, details};
use crate::Problem;

/// Returns the problem as a response with trailers only: HTTP 200, everything in the headers, no body.
pub(crate) fn response(problem: &Problem) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    let message = cut(problem.detail().unwrap_or_else(|| problem.title()));
    headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
    headers.insert(STATUS, problem.grpc_code().into());
    headers.insert(MESSAGE, encode_message(message));
    if let Some(pushback) = pushback(problem) {
        headers.insert(PUSHBACK, pushback);
    }
    if let Some(details) = details::write(problem, message).and_then(encode) {
        headers.insert(DETAILS, details);
    }
    response
}

/// Returns the problem in the headers or trailers of a gRPC call; `None` if the call has not failed or not ended.
pub(crate) fn read(headers: &HeaderMap) -> Option<Problem> {
    // A status that is not a number still ends the call.
    let code = GrpcCode::from_headers(headers)?.unwrap_or(GrpcCode::Unknown);
    if code == GrpcCode::Ok {
        return None;
    }
    let mut problem = Problem::new(codes::status(code)).with_grpc_code(code);
    if let Some(message) = headers.get(MESSAGE).map(decode_message)
        && !message.is_empty()
        && message != problem.title()
    {
        problem = problem.with_detail(message.into_owned());
    }
    // A malformed value means "do not retry" (gRFC A6).
    problem = match Pushback::from_headers(headers).map(|p| p.unwrap_or(Pushback::Stop)) {
        Some(Pushback::After(wait)) => problem.with_retry_after(wait),
        Some(Pushback::Stop) => problem.with_retryable(false),
        None => problem,
    };
    match headers.get(DETAILS).and_then(decode) {
        Some(bytes) => Some(details::read(&bytes, problem)),
        None => Some(problem),
    }
}

/// The pushback in milliseconds, or -1 to forbid a retry. Readers parse it as 32 bits.
fn pushback(problem: &Problem) -> Option<HeaderValue> {
    if problem.retryable() == Some(false) {
        return Some(HeaderValue::from_static("-1"));
    }
    let after = problem.retry_after()?.as_millis();
    Some(i32::try_from(after).unwrap_or(i32::MAX).into())
}

/// Cuts a message: peers reject a response whose headers exceed about 8 KiB, and percent-encoding can triple its
/// length.
fn cut(message: &str) -> &str {
    let end = message
        .char_indices()
        .map(|(start, c)| start + c.len_utf8())
        .take_while(|end| *end <= LONGEST_MESSAGE)
        .last();
    &message[..end.unwrap_or(0)]
}

/// Returns the details as a header, unless they are too long for one: the status is more important.
fn encode(details: Vec<u8>) -> Option<HeaderValue> {
    let text = BASE64.encode(details);
    HeaderValue::try_from(text)
        .ok()
        .filter(|value| value.len() <= LONGEST_DETAILS)
}

fn decode(value: &HeaderValue) -> Option<Vec<u8>> {
    BASE64.decode(value.as_bytes()).ok()
}

const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

const LONGEST_MESSAGE: usize = 1024;
const LONGEST_DETAILS: usize = 4096;

/// Written without padding, and read with and without, as the gRPC HTTP/2 protocol requires for binary headers.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
