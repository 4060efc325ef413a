//! The deadline headers together: which are read, and what is replaced.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use buttress_http::deadline::{
    DeadlineHeader, DeadlineHeaders, age_deadline, read_deadline, remove_deadline, write_deadline,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

const ALL: DeadlineHeaders = DeadlineHeaders::RELATIVE.with(DeadlineHeader::XDeadline);
const SKEW: Duration = Duration::from_secs(30);

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// 2026-11-21T10:00:00Z.
fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_255_200)
}

fn headers<const N: usize>(fields: [(&'static str, &'static str); N]) -> HeaderMap {
    let fields = fields.map(|(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    });
    fields.into_iter().collect()
}

fn read(headers: &HeaderMap) -> Option<Duration> {
    read_deadline(headers, ALL, SKEW, noon)
}

#[test]
fn each_header_has_the_remaining_time() {
    let longest = Duration::from_millis(u64::MAX);
    for (name, value, given) in [
        ("grpc-timeout", "200m", Some(millis(200))),
        ("grpc-timeout", "0S", Some(Duration::ZERO)),
        ("connect-timeout-ms", "250", Some(millis(250))),
        ("connect-timeout-ms", "0", Some(Duration::ZERO)),
        (
            "connect-timeout-ms",
            "9999999999",
            Some(millis(9_999_999_999)),
        ),
        ("x-envoy-expected-rq-timeout-ms", "300", Some(millis(300))),
        ("x-envoy-expected-rq-timeout-ms", "0", Some(Duration::MAX)),
        (
            "x-envoy-expected-rq-timeout-ms",
            "18446744073709551616",
            Some(longest),
        ),
        ("x-deadline", "2026-11-21T10:00:00.350Z", Some(millis(350))),
        ("x-deadline", "2026-11-21T10:00:00Z", Some(Duration::ZERO)),
        ("x-deadline", "2026-11-21T09:59:30Z", Some(Duration::ZERO)),
        ("accept", "*/*", None),
        // The following break their grammar or are out of range.
        ("grpc-timeout", "123456789m", None),
        ("grpc-timeout", "", None),
        ("connect-timeout-ms", "10000000000", None),
        ("x-envoy-expected-rq-timeout-ms", "-1", None),
        ("x-deadline", "soon", None),
        ("x-deadline", "2026-11-21T09:59:29Z", None),
    ] {
        assert_eq!(read(&headers([(name, value)])), given, "{name}: {value}");
    }
}

#[test]
fn the_smallest_trusted_time_is_used() {
    let headers = headers([
        ("grpc-timeout", "3S"),
        ("connect-timeout-ms", "2000"),
        ("x-deadline", "2026-11-21T10:00:01Z"),
    ]);
    let believing = |believed| read_deadline(&headers, believed, SKEW, noon);
    assert_eq!(believing(ALL), Some(millis(1_000)));
    assert_eq!(believing(DeadlineHeaders::default()), Some(millis(2_000)));
    let without = DeadlineHeaders::RELATIVE.without(DeadlineHeader::ConnectTimeout);
    assert_eq!(believing(without), Some(millis(3_000)));
    assert_eq!(believing(DeadlineHeaders::NONE), None);
}

#[test]
fn the_earliest_of_several_fields_of_one_name_is_used() {
    for values in [["3S", "1S"], ["1S", "3S"], ["soon", "1S"], ["1S", ""]] {
        let fields = values.map(|value| ("grpc-timeout", value));
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, HeaderValue::from_static(value));
        }
        assert_eq!(read(&headers), Some(millis(1_000)), "{values:?}");
        assert_eq!(age_deadline(&mut headers, millis(400)), Some(millis(600)));
        assert_eq!(read(&headers), Some(millis(600)), "{values:?}");
        write_deadline(
            &mut headers,
            DeadlineHeader::GrpcTimeout,
            millis(2_000),
            noon,
        );
        assert_eq!((headers.len(), read(&headers)), (1, Some(millis(2_000))));
    }
}

#[test]
fn the_wall_clock_is_read_only_for_a_moment() {
    let headers = headers([
        ("grpc-timeout", "3S"),
        ("x-deadline", "2026-11-21T10:00:00Z"),
    ]);
    let unread = || panic!("the clock was read");
    assert!(read_deadline(&headers, DeadlineHeaders::RELATIVE, SKEW, unread).is_some());
    let mut headers = headers;
    write_deadline(&mut headers, DeadlineHeader::GrpcTimeout, SKEW, unread);
}

#[test]
fn writing_replaces_all_deadline_headers() {
    for &header in DeadlineHeader::ALL {
        let mut headers = headers([
            ("grpc-timeout", "9S"),
            ("connect-timeout-ms", "9000"),
            ("x-envoy-expected-rq-timeout-ms", "9000"),
            ("x-deadline", "2026-11-21T10:00:09Z"),
            ("accept", "*/*"),
        ]);
        write_deadline(&mut headers, header, millis(1_500), noon);
        assert_eq!(headers.len(), 2, "{headers:?}");
        assert_eq!(read(&headers), Some(millis(1_500)));

        remove_deadline(&mut headers);
        assert_eq!(headers.len(), 1, "{headers:?}");
    }
}

#[test]
fn a_request_that_is_sent_again_has_less_time() {
    let mut sent = headers([
        ("grpc-timeout", "1S"),
        ("x-deadline", "2026-11-21T10:00:01Z"),
    ]);
    assert_eq!(age_deadline(&mut sent, millis(400)), Some(millis(600)));
    assert_eq!(sent["grpc-timeout"], "600000u");
    assert_eq!(sent["x-deadline"], "2026-11-21T10:00:01Z");
    assert_eq!(age_deadline(&mut sent, millis(700)), Some(Duration::ZERO));
    assert_eq!(sent["grpc-timeout"], "0n");

    let mut endless = headers([("x-envoy-expected-rq-timeout-ms", "0")]);
    assert_eq!(age_deadline(&mut endless, millis(400)), None);
    assert_eq!(endless["x-envoy-expected-rq-timeout-ms"], "0");
}

/// For Envoy, 0 means no deadline, so 1 is written if no time remains.
#[test]
fn envoy_is_never_sent_0() {
    let mut headers = HeaderMap::new();
    write_deadline(
        &mut headers,
        DeadlineHeader::EnvoyExpected,
        Duration::ZERO,
        noon,
    );
    assert_eq!(headers["x-envoy-expected-rq-timeout-ms"], "1");
}

proptest! {
    #[test]
    fn no_header_gives_more_time_than_there_is(nanos in 1_000_000_u64..1 << 36, header in 0..4_usize) {
        let given = Duration::from_nanos(nanos);
        let mut headers = HeaderMap::new();
        write_deadline(&mut headers, DeadlineHeader::ALL[header], given, noon);
        let told = read(&headers).unwrap();
        prop_assert!(told <= given);
        prop_assert!(given - told <= millis(1));
    }

    #[test]
    fn no_value_causes_a_panic(values in prop::array::uniform4(any::<Vec<u8>>()), elapsed: u64) {
        let mut headers = HeaderMap::new();
        for (header, value) in DeadlineHeader::ALL.iter().zip(values) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.insert(header.name(), value);
            }
        }
        let _ = read(&headers);
        let _ = age_deadline(&mut headers, Duration::from_nanos(elapsed));
    }
}
