//! The response to an HTTP client when a call fails.

use std::time::Duration;

use crate::common::{answer, refusal, request};
use buttress_core::{Ratio, Reason, Rejection};
use buttress_problem::{Problem, ProblemConfig};
use http::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn a_rejection_is_a_complete_problem() {
    let request = request(&[("x-request-id", "01JD"), ("accept", "*/*")]);
    let answer = answer(ProblemConfig::default(), request, refusal).await;

    assert_eq!(answer.head.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("vary"), Some("accept"));
    assert_eq!(answer.header("x-request-id"), Some("01JD"));
    assert_eq!(
        answer.header("content-length"),
        Some(&*answer.body.len().to_string())
    );
    assert_eq!(
        answer.json(),
        json!({
            "type": "about:blank",
            "title": "Service Unavailable",
            "status": 503,
            "detail": "A dependency of this service is failing and is not called for a while.",
            "reason": "circuit_open",
            "scope": "cluster",
            "retryable": true,
            "retry_after_ms": 1500,
            "request_id": "01JD",
        })
    );
}

#[tokio::test]
async fn the_member_status_is_the_status_for_every_reason() {
    for &reason in Reason::ALL {
        let error = || Rejection::new(reason, "api").into();
        let answer = answer(ProblemConfig::default(), request(&[]), error).await;
        let json = answer.json();
        assert_eq!(json["status"], answer.head.status.as_u16());
        assert_eq!(json["reason"], reason.as_str());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("retry-after"), None);
    }
}

/// A client decides without reading the document.
#[tokio::test]
async fn the_head_also_forbids_a_useless_retry() {
    for &reason in Reason::ALL {
        let error = || Rejection::new(reason, "api").into();
        let answer = answer(ProblemConfig::default(), request(&[]), error).await;
        let expected = match answer.json()["retryable"].as_bool().unwrap() {
            true => None,
            false => Some("no"),
        };
        assert_eq!(answer.header("x-buttress-retry"), expected, "{reason:?}");
    }
    for (retryable, expected) in [(true, None), (false, Some("no"))] {
        for accept in ["application/json", "text/plain"] {
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE).with_retryable(retryable);
            let request = request(&[("accept", accept)]);
            let answer = answer(ProblemConfig::default(), request, || problem.clone().into()).await;
            assert_eq!(answer.header("x-buttress-retry"), expected, "{accept}");
        }
    }
}

#[tokio::test]
async fn no_internal_text_leaves_the_service() {
    const SECRET: &str = "postgres://admin:hunter2@10.0.0.7";

    let errors: [fn() -> buttress_core::BoxError; 3] = [
        || SECRET.into(),
        || std::io::Error::other(SECRET).into(),
        || {
            Problem::new(StatusCode::BAD_GATEWAY)
                .with_internal(SECRET)
                .into()
        },
    ];
    let kinds = [
        request(&[]),
        request(&[("accept", "text/plain")]),
        request(&[("content-type", "application/grpc")]),
    ];
    for error in errors {
        for request in &kinds {
            let answer = answer(ProblemConfig::default(), request.clone(), error).await;
            assert!(!format!("{:?}", answer.head.headers).contains("hunter2"));
            assert!(!answer.text().contains("hunter2"));
        }
    }
}

#[tokio::test]
async fn an_unregistered_error_is_a_500_without_details() {
    let error = || "the disk is full".into();
    let answer = answer(ProblemConfig::default(), request(&[]), error).await;
    let expected = json!({"type": "about:blank", "title": "Internal Server Error", "status": 500});
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn a_client_that_does_not_accept_json_gets_plain_text() {
    let request = request(&[("accept", "text/html"), ("x-request-id", "01JD")]);
    let answer = answer(ProblemConfig::default(), request, refusal).await;
    assert_eq!(answer.head.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(
        answer.text(),
        "503 Service Unavailable\n\
         A dependency of this service is failing and is not called for a while.\n\
         request id: 01JD\n"
    );
}

#[tokio::test]
async fn a_head_request_gets_the_headers_of_a_get_and_no_body() {
    let get = answer(ProblemConfig::default(), request(&[]), refusal).await;
    let mut head = request(&[]);
    *head.method_mut() = Method::HEAD;
    let head = answer(ProblemConfig::default(), head, refusal).await;
    assert_eq!(head.head.status, get.head.status);
    assert_eq!(head.head.headers, get.head.headers);
    assert!(!get.body.is_empty());
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn an_unsafe_request_id_is_ignored_and_none_is_created() {
    for id in ["two words", "", &"x".repeat(129)] {
        let request = request(&[("x-request-id", id)]);
        let answer = answer(ProblemConfig::default(), request, refusal).await;
        assert_eq!(answer.header("x-request-id"), None);
        assert_eq!(answer.json().get("request_id"), None);
    }
}

#[tokio::test]
async fn the_request_id_is_read_from_the_configured_header() {
    let headers = [("x-request-id", "a"), ("x-correlation-id", "b")];
    let named = http::HeaderName::from_static("x-correlation-id");
    let config = ProblemConfig::default().request_id_header(named);
    let chosen = answer(config, request(&headers), refusal).await;
    assert_eq!(chosen.header("x-correlation-id"), Some("b"));
    assert_eq!(chosen.json()["request_id"], "b");

    let config = ProblemConfig::default().request_id_header(None);
    let none = answer(config, request(&headers), refusal).await;
    assert_eq!(none.json().get("request_id"), None);
}

#[tokio::test]
async fn the_instance_is_the_path_without_its_query_and_only_if_configured() {
    let uri = || {
        let mut request = request(&[]);
        *request.uri_mut() = "https://example.com/orders/7?token=hunter2"
            .parse()
            .unwrap();
        request
    };
    let off = answer(ProblemConfig::default(), uri(), refusal).await;
    assert_eq!(off.json().get("instance"), None);

    let on = ProblemConfig::default().instance(true);
    let path = answer(on.clone(), uri(), refusal).await;
    assert_eq!(path.json()["instance"], "/orders/7");

    let own = || Problem::new(StatusCode::GONE).with_instance("urn:x").into();
    let own = answer(on, uri(), own).await;
    assert_eq!(own.json()["instance"], "urn:x");
}

#[tokio::test]
async fn jitter_extends_a_wait_by_at_most_its_ratio() {
    let config = ProblemConfig::default().retry_after_jitter(Ratio::HALF);
    let mut waits = Vec::new();
    for _ in 0..64 {
        let answer = answer(config.clone(), request(&[]), refusal).await;
        let ms = answer.json()["retry_after_ms"].as_u64().unwrap();
        let seconds = ms.div_ceil(1_000).to_string();
        assert_eq!(answer.header("retry-after"), Some(&*seconds));
        waits.push(ms);
    }
    assert!(
        waits.iter().all(|ms| (1_500..=2_250).contains(ms)),
        "{waits:?}"
    );
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() > 8, "{waits:?}");
}

#[tokio::test]
async fn a_registered_problem_keeps_its_members() {
    let config = ProblemConfig::default().on(|_: &std::fmt::Error| {
        Problem::new(StatusCode::NOT_FOUND)
            .with_type("https://example.com/problems/no-such-order")
            .with_title("No such order")
            .with_member("order", 7)
    });
    let answer = answer(config, request(&[]), || std::fmt::Error.into()).await;
    assert_eq!(answer.head.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.header("cache-control"), None);
    assert_eq!(
        answer.json(),
        json!({
            "type": "https://example.com/problems/no-such-order",
            "title": "No such order",
            "status": 404,
            "order": 7,
        })
    );
}

#[tokio::test]
async fn an_endless_wait_is_written_as_a_year() {
    let error = || {
        Rejection::new(Reason::CircuitOpen, "a")
            .with_retry_after(Duration::MAX)
            .into()
    };
    let answer = answer(ProblemConfig::default(), request(&[]), error).await;
    assert_eq!(answer.header("retry-after"), Some("31536000"));
    assert_eq!(answer.json()["retry_after_ms"], 31_536_000_000_u64);
}

#[test]
fn a_problem_converts_to_a_response() {
    let response: http::Response<bytes::Bytes> = Problem::new(StatusCode::TOO_MANY_REQUESTS)
        .with_retry_after(Duration::from_millis(1))
        .into();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.headers()["cache-control"], "no-store");
}
