//! `google.rpc.Status` and the three kinds of detail for our members.

use std::time::Duration;

use super::wire::{Value, Writer, fields};
use crate::Problem;
use crate::members::{REASON, RETRYABLE, SCOPE};

/// Encodes the problem as a `google.rpc.Status` with an `ErrorInfo`, a `RetryInfo` and a `RequestInfo`, as far as it
/// has their values. Returns `None` if there is nothing besides `grpc-status` and `grpc-message`.
pub(super) fn write(problem: &Problem, message: &str) -> Option<Vec<u8>> {
    let details = [
        problem
            .reason()
            .map(|reason| (ERROR_INFO, error_info(problem, reason.as_str()))),
        problem
            .retry_after()
            .map(|after| (RETRY_INFO, retry_info(after))),
        problem
            .request_id()
            .map(|id| (REQUEST_INFO, request_info(id))),
    ];
    if details.iter().all(Option::is_none) {
        return None;
    }
    let status = Writer::default()
        .number(1, problem.grpc_code().number().into())
        .bytes(2, message);
    let status = details
        .into_iter()
        .flatten()
        .fold(status, |status, (kind, detail)| {
            let any = Writer::default().bytes(1, kind).bytes(2, detail).finish();
            status.bytes(3, any)
        });
    Some(status.finish())
}

/// Adds the contents of a `google.rpc.Status` to the problem. Unknown parts are skipped.
pub(super) fn read(bytes: &[u8], problem: Problem) -> Problem {
    fields(bytes)
        .filter(|(field, _)| *field == 3)
        .filter_map(|(_, any)| any.as_bytes())
        .fold(problem, read_detail)
}

/// `ErrorInfo { reason, domain, metadata }`. The message requires a reason in upper case.
fn error_info(problem: &Problem, reason: &str) -> Vec<u8> {
    let metadata = [
        problem
            .scope()
            .map(|scope| (SCOPE, scope.as_str().to_owned())),
        problem
            .retryable()
            .map(|retryable| (RETRYABLE, retryable.to_string())),
    ];
    let info = Writer::default()
        .bytes(1, reason.to_ascii_uppercase())
        .bytes(2, DOMAIN);
    let info = metadata
        .into_iter()
        .flatten()
        .fold(info, |info, (key, value)| {
            info.bytes(3, Writer::default().bytes(1, key).bytes(2, value).finish())
        });
    info.finish()
}

/// `RetryInfo { retry_delay: Duration { seconds, nanos } }`.
fn retry_info(after: Duration) -> Vec<u8> {
    let delay = Writer::default()
        .number(1, after.as_secs())
        .number(2, after.subsec_nanos().into());
    Writer::default().bytes(1, delay.finish()).finish()
}

/// `RequestInfo { request_id }`.
fn request_info(id: &str) -> Vec<u8> {
    Writer::default().bytes(1, id).finish()
}

fn read_detail(problem: Problem, any: &[u8]) -> Problem {
    let detail = bytes(any, 2).unwrap_or_default();
    match text(any, 1) {
        Some(ERROR_INFO) if text(detail, 2) == Some(DOMAIN) => read_error_info(problem, detail),
        Some(RETRY_INFO) => match read_retry_info(detail) {
            Some(after) => problem.with_retry_after(after),
            None => problem,
        },
        Some(REQUEST_INFO) => match text(detail, 1) {
            Some(id) => problem.with_request_id(id),
            None => problem,
        },
        _ => problem,
    }
}

fn read_error_info(problem: Problem, info: &[u8]) -> Problem {
    let problem = match text(info, 1) {
        Some(reason) => problem.with_member(REASON, reason.to_ascii_lowercase()),
        None => problem,
    };
    fields(info)
        .filter(|(field, _)| *field == 3)
        .filter_map(|(_, entry)| entry.as_bytes())
        .fold(problem, |problem, entry| {
            match (text(entry, 1), text(entry, 2)) {
                (Some(SCOPE), Some(scope)) => problem.with_member(SCOPE, scope),
                (Some(RETRYABLE), Some(word)) => match word.parse() {
                    Ok(retryable) => problem.with_retryable(retryable),
                    Err(_) => problem,
                },
                _ => problem,
            }
        })
}

fn read_retry_info(info: &[u8]) -> Option<Duration> {
    let delay = bytes(info, 1)?;
    // The parts of a negative duration are negative, which as unsigned numbers are out of these ranges.
    let seconds = number(delay, 1).unwrap_or(0);
    i64::try_from(seconds).ok()?;
    let nanos = u32::try_from(number(delay, 2).unwrap_or(0)).ok()?;
    (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
}

fn bytes(message: &[u8], field: u64) -> Option<&[u8]> {
    find(message, field).and_then(|value| value.as_bytes())
}

fn text(message: &[u8], field: u64) -> Option<&str> {
    find(message, field).and_then(|value| value.as_text())
}

fn number(message: &[u8], field: u64) -> Option<u64> {
    find(message, field).and_then(|value| value.as_number())
}

fn find(message: &[u8], field: u64) -> Option<Value<'_>> {
    fields(message).find_map(|(number, value)| (number == field).then_some(value))
}

const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";
const REQUEST_INFO: &str = "type.googleapis.com/google.rpc.RequestInfo";

/// The domain of the reason in an `ErrorInfo`.
const DOMAIN: &str = "buttress";
