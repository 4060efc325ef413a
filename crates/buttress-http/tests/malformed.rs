//! Malformed headers are ignored and counted. A separate binary, because a recorder is global.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use buttress_http::deadline::{DeadlineHeader, DeadlineHeaders, read_deadline};
use buttress_http::{Classify, HttpClassifier};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

#[test]
fn each_malformed_header_is_counted_by_its_name() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().unwrap();

    let headers = header_map([("retry-after", "soon")]);
    HttpClassifier::client().head(StatusCode::TOO_MANY_REQUESTS, &headers);
    HttpClassifier::client().head(StatusCode::SERVICE_UNAVAILABLE, &headers);
    // After a success, the requested wait is not read.
    HttpClassifier::client().head(StatusCode::OK, &headers);
    HttpClassifier::client().trailers(&header_map([("grpc-status", "fine")]));
    HttpClassifier::client().trailers(&header_map([
        ("grpc-status", "14"),
        ("grpc-retry-pushback-ms", "soon"),
    ]));

    // Malformed trusted headers are ignored one by one, and untrusted headers are not read.
    let headers = header_map([
        ("grpc-timeout", "123456789m"),
        ("connect-timeout-ms", "-1"),
        ("x-envoy-expected-rq-timeout-ms", "500"),
        ("x-deadline", "1970-01-01T00:00:00Z"),
    ]);
    let read = |believed| read_deadline(&headers, believed, Duration::ZERO, later);
    let given = Some(Duration::from_millis(500));
    assert_eq!(read(DeadlineHeaders::RELATIVE), given);
    assert_eq!(
        read(DeadlineHeaders::NONE.with(DeadlineHeader::XDeadline)),
        None
    );

    assert_eq!(
        counted(&snapshotter),
        [
            ("connect-timeout-ms".to_owned(), 1),
            ("grpc-retry-pushback-ms".to_owned(), 1),
            ("grpc-status".to_owned(), 1),
            ("grpc-timeout".to_owned(), 1),
            ("retry-after".to_owned(), 2),
            ("x-deadline".to_owned(), 1),
        ]
    );
}

fn later() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1)
}

fn counted(snapshotter: &Snapshotter) -> Vec<(String, u64)> {
    let mut counted: Vec<_> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .filter_map(|(key, _, _, value)| match value {
            DebugValue::Counter(count) if count > 0 => {
                let key = key.key();
                assert_eq!(key.name(), "buttress_http_malformed_headers_total");
                let header = key.labels().find(|label| label.key() == "header")?;
                Some((header.value().to_owned(), count))
            }
            _ => None,
        })
        .collect();
    counted.sort();
    counted
}

fn header_map<const N: usize>(headers: [(&'static str, &'static str); N]) -> HeaderMap {
    headers
        .into_iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect()
}
