//! Reading problems as a client.

use std::error::Error;
use std::time::Duration;

use crate::common::{answer, refusal, request};
use buttress_core::{BoxError, Reason, Rejection};
use buttress_problem::{Problem, ProblemConfig, ProblemError};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use proptest::prelude::*;
use serde_json::{Value, json};

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let field = |&(name, value): &(&str, &str)| {
        let name: http::HeaderName = name.parse().expect("a name");
        let value: http::HeaderValue = value.parse().expect("a value");
        (name, value)
    };
    fields.iter().map(field).collect()
}

const PROBLEM: (&str, &str) = ("content-type", "application/problem+json");

#[tokio::test]
async fn every_rejection_is_read_back_as_it_was_sent() {
    for &reason in Reason::ALL {
        let rejection = Rejection::new(reason, "a").with_retry_after(Duration::from_millis(1_234));
        let answer = answer(ProblemConfig::default(), request(&[]), || {
            rejection.clone().into()
        })
        .await;
        let error =
            ProblemError::parse(answer.head.status, &answer.head.headers, &answer.body).unwrap();
        let problem = error.into_problem();
        // The internal text is not sent.
        let sent = Problem::from(&rejection).with_internal("");
        assert_eq!(problem.with_internal(""), sent);
    }
}

#[tokio::test]
async fn a_remote_problem_is_not_passed_on_to_our_own_clients() {
    let headers = headers(&[PROBLEM]);
    let body = br#"{"detail":"host db-7 is down"}"#;
    let error = || {
        ProblemError::parse(StatusCode::BAD_REQUEST, &headers, body)
            .unwrap()
            .into()
    };
    let answer = answer(ProblemConfig::default(), request(&[]), error).await;
    assert_eq!(answer.head.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!answer.text().contains("db-7"));
}

#[test]
fn the_content_type_decides_whether_it_is_a_problem() {
    for (content_type, expected) in [
        ("application/problem+json", true),
        ("Application/Problem+JSON; charset=utf-8", true),
        ("application/json", false),
        ("application/problem+jsonx", false),
        ("text/plain", false),
    ] {
        let headers = headers(&[("content-type", content_type)]);
        let error = ProblemError::parse(StatusCode::GONE, &headers, b"{}");
        assert_eq!(error.is_some(), expected, "{content_type}");
    }
    assert!(ProblemError::parse(StatusCode::GONE, &HeaderMap::new(), b"{}").is_none());
}

#[test]
fn a_body_that_is_not_a_document_gives_only_the_status() {
    let error = ProblemError::parse(StatusCode::GONE, &headers(&[PROBLEM]), b"<html>").unwrap();
    assert_eq!(error.problem(), &Problem::new(StatusCode::GONE));
    assert!(
        error
            .source()
            .is_some_and(|source| source.is::<serde_json::Error>())
    );
    assert_eq!(error.to_string(), "remote responded with 410 Gone");
}

#[test]
fn the_wait_is_read_from_the_member_or_else_the_header() {
    let read = |fields: &[_], body: &str| {
        ProblemError::parse(StatusCode::GONE, &headers(fields), body.as_bytes())
            .unwrap()
            .problem()
            .retry_after()
    };
    let retry_after = ("retry-after", "3");
    let member = r#"{"retry_after_ms":2001}"#;
    assert_eq!(
        read(&[PROBLEM, retry_after], member),
        Some(Duration::from_millis(2_001))
    );
    assert_eq!(
        read(&[PROBLEM, retry_after], "{}"),
        Some(Duration::from_secs(3))
    );
    assert_eq!(read(&[PROBLEM, ("retry-after", "soon")], "{}"), None);
    let date = ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT");
    let sent = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(
        read(&[PROBLEM, date, sent], "{}"),
        Some(Duration::from_secs(10))
    );
    assert_eq!(read(&[PROBLEM, date], "{}"), None);
}

#[tokio::test]
async fn a_response_that_is_not_a_problem_is_not_read() {
    let mut response = Response::new(Full::new(Bytes::from_static(b"fine")));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let response = ProblemError::check(response, 0).await.unwrap();
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "fine"
    );
}

#[tokio::test]
async fn a_problem_is_read_from_a_body_up_to_the_cap() {
    let response = || {
        let mut response: Response<Full<Bytes>> =
            Problem::new(StatusCode::GONE).with_detail("x").into();
        response
            .headers_mut()
            .insert("retry-after", "3".parse().unwrap());
        response
    };
    let length = response()
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes()
        .len();

    let read = ProblemError::check(response(), length).await.unwrap_err();
    assert_eq!(read.problem().detail(), Some("x"));
    assert!(read.source().is_none());

    let cut = ProblemError::check(response(), length - 1)
        .await
        .unwrap_err();
    assert_eq!(cut.problem().detail(), None);
    assert_eq!(cut.problem().status(), StatusCode::GONE);
    assert_eq!(cut.problem().retry_after(), Some(Duration::from_secs(3)));
    let too_long = format!("problem document is longer than {} bytes", length - 1);
    assert_eq!(cut.source().unwrap().to_string(), too_long);
}

#[tokio::test]
async fn a_body_that_breaks_off_gives_only_the_status() {
    let frames: [Result<_, BoxError>; 2] = [
        Ok(Frame::data(Bytes::from_static(b"{\"detail\":"))),
        Err("reset".into()),
    ];
    let mut response = Response::new(StreamBody::new(tokio_stream::iter(frames)));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    *response.headers_mut() = headers(&[PROBLEM]);
    let error = ProblemError::check(response, 1_000).await.unwrap_err();
    assert_eq!(error.problem(), &Problem::new(StatusCode::BAD_GATEWAY));
    assert_eq!(error.source().unwrap().to_string(), "reset");
}

#[tokio::test]
async fn a_grpc_call_that_failed_in_its_headers_is_a_problem() {
    let request = request(&[("content-type", "application/grpc")]);
    let answer = answer(ProblemConfig::default(), request, refusal).await;
    let response = Response::from_parts(answer.head, Full::new(answer.body));
    let error = ProblemError::check(response, 0).await.unwrap_err();
    assert_eq!(error.problem().reason(), Some(Reason::CircuitOpen));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn every_problem_is_read_back_unchanged(
        status in 400..600_u16,
        texts: [Option<String>; 4],
        members in prop::collection::hash_map(any::<String>(), value(), 0..8),
    ) {
        let status = StatusCode::from_u16(status).unwrap();
        let mut problem = Problem::new(status);
        let [type_uri, title, detail, instance] = texts;
        if let Some(text) = type_uri { problem = problem.with_type(text); }
        if let Some(text) = title { problem = problem.with_title(text); }
        if let Some(text) = detail { problem = problem.with_detail(text); }
        if let Some(text) = instance { problem = problem.with_instance(text); }
        for (name, value) in members {
            problem = problem.with_member(name, value);
        }
        let body = serde_json::to_vec(&problem).unwrap();
        let read = ProblemError::parse(status, &headers(&[PROBLEM]), &body).unwrap();
        prop_assert!(read.source().is_none());
        prop_assert_eq!(read.into_problem(), problem);
    }

    #[test]
    fn no_body_causes_a_panic(body: Vec<u8>) {
        let read = ProblemError::parse(StatusCode::GONE, &headers(&[PROBLEM]), &body);
        prop_assert_eq!(read.unwrap().problem().status(), StatusCode::GONE);
    }
}
