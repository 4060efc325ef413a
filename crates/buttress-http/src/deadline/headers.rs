use std::time::{Duration, SystemTime};

use http::header::Entry;
use http::{HeaderMap, HeaderValue};

use super::{
    DeadlineHeader, DeadlineHeaders, Text, parse_grpc_timeout, parse_millis, parse_rfc3339,
    write_grpc_timeout, write_millis, write_rfc3339,
};
use crate::Malformed;

/// Returns the time that the caller gives: the smallest value of the headers in `believed`, or `None` if there is
/// none. If a header has several fields, all are read. [`Duration::MAX`] means that the caller states that it has no
/// deadline.
///
/// A malformed header is ignored and [counted](Malformed::count). So is an `x-deadline` that is further in the past
/// than `clock_skew`, because a wrong clock is more likely than a call that took that long. The system's time is read
/// only if there is an `x-deadline`.
#[must_use]
pub fn read_deadline(
    headers: &HeaderMap,
    believed: DeadlineHeaders,
    clock_skew: Duration,
    system_time: impl Fn() -> SystemTime,
) -> Option<Duration> {
    if headers.is_empty() {
        return None;
    }
    let read = |(header, value): (DeadlineHeader, &HeaderValue)| {
        let given = match header {
            DeadlineHeader::XDeadline => remaining(value.as_bytes(), system_time(), clock_skew),
            relative => parse(relative, value.as_bytes()),
        };
        if given.is_none() {
            Malformed::new(header.field()).count();
        }
        given
    };
    let all = DeadlineHeader::ALL.iter().copied();
    all.filter(|header| believed.contains(*header))
        .flat_map(|header| {
            let fields = headers.get_all(header.name()).iter();
            fields.map(move |value| (header, value))
        })
        .filter_map(read)
        .min()
}

/// Returns the smallest remaining time of the relative headers, for a layer that uses it only to classify outcomes.
/// Malformed headers are ignored here, and counted by the layer that enforces the deadline.
pub(crate) fn given_by_caller(headers: &HeaderMap) -> Option<Duration> {
    let all = DeadlineHeader::ALL.iter().copied();
    all.filter(|header| DeadlineHeaders::RELATIVE.contains(*header))
        .flat_map(|header| {
            let fields = headers.get_all(header.name()).iter();
            fields.filter_map(move |value| parse(header, value.as_bytes()))
        })
        .min()
}

/// Writes `given` as the remaining time in `header`, and removes all other deadline headers.
///
/// The system's time is read only for an `x-deadline`. Allocates a `HeaderValue`, and space for one more field in the
/// map.
pub fn write_deadline(
    headers: &mut HeaderMap,
    header: DeadlineHeader,
    given: Duration,
    system_time: impl FnOnce() -> SystemTime,
) {
    if !headers.is_empty() {
        remove_others(headers, Some(header));
    }
    let text = write(header, given).unwrap_or_else(|| {
        let now = system_time();
        write_rfc3339(now.checked_add(given).unwrap_or(now))
    });
    headers.insert(header.name(), HeaderValue::from(text));
}

/// Removes all deadline headers.
pub fn remove_deadline(headers: &mut HeaderMap) {
    remove_others(headers, None);
}

/// Subtracts `elapsed` from the remaining time in the headers, for a request that is sent again after it was written.
/// Returns the smallest remaining time, or `None` if no header has one.
///
/// An `x-deadline` is a moment and does not change, and neither does a header that states that there is no deadline.
pub fn age_deadline(headers: &mut HeaderMap, elapsed: Duration) -> Option<Duration> {
    let relative = DeadlineHeader::ALL
        .iter()
        .filter(|header| DeadlineHeaders::RELATIVE.contains(**header));
    relative
        .filter_map(|&header| {
            let Entry::Occupied(mut fields) = headers.entry(header.name()) else {
                return None;
            };
            let aged = fields.iter_mut().filter_map(|value| {
                let given = parse(header, value.as_bytes())?;
                if given == Duration::MAX {
                    return None;
                }
                let remaining = given.saturating_sub(elapsed);
                *value = write(header, remaining)?.into();
                Some(remaining)
            });
            aged.min()
        })
        .min()
}

/// Returns the remaining time of a relative header, or `None` if it is malformed.
fn parse(header: DeadlineHeader, value: &[u8]) -> Option<Duration> {
    match header {
        DeadlineHeader::ConnectTimeout => parse_millis(value, CONNECT_DIGITS),
        // Envoy sends 0 if it has no timeout, and 1 if no time remains.
        DeadlineHeader::EnvoyExpected => parse_millis(value, usize::MAX).map(|given| match given {
            Duration::ZERO => Duration::MAX,
            given => given,
        }),
        DeadlineHeader::GrpcTimeout => parse_grpc_timeout(value),
        DeadlineHeader::XDeadline => None,
    }
}

/// Writes the remaining time. Returns `None` for a header with a moment.
fn write(header: DeadlineHeader, given: Duration) -> Option<Text> {
    Some(match header {
        DeadlineHeader::ConnectTimeout => write_millis(given, CONNECT_MOST),
        DeadlineHeader::EnvoyExpected => {
            write_millis(given.max(Duration::from_millis(1)), u64::MAX)
        }
        DeadlineHeader::GrpcTimeout => write_grpc_timeout(given),
        DeadlineHeader::XDeadline => return None,
    })
}

/// Returns the time until a moment, unless the moment is too far in the past.
fn remaining(value: &[u8], now: SystemTime, clock_skew: Duration) -> Option<Duration> {
    match parse_rfc3339(value)?.duration_since(now) {
        Ok(remaining) => Some(remaining),
        Err(past) => (past.duration() <= clock_skew).then_some(Duration::ZERO),
    }
}

/// The Connect protocol has at most ten digits.
const CONNECT_DIGITS: usize = 10;
const CONNECT_MOST: u64 = 9_999_999_999;

fn remove_others(headers: &mut HeaderMap, kept: Option<DeadlineHeader>) {
    for &header in DeadlineHeader::ALL {
        if Some(header) != kept {
            headers.remove(header.name());
        }
    }
}
