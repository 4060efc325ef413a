//! The response to a gRPC client when a call fails, read with prost and with tonic.

use std::collections::HashMap;
use std::time::Duration;

use crate::common::{Answer, Fails, answer, refusal, request};
use buttress_core::{BoxError, Reason, Rejection};
use buttress_http::grpc::GrpcCode;
use buttress_problem::{Problem, ProblemConfig, ProblemError, ProblemLayer};
use http::{HeaderMap, StatusCode};
use http_body::Body;
use proptest::prelude::*;
use prost::Message;
use tower::{Layer, ServiceExt};

/// `google.rpc.Status` for prost.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
    #[prost(map = "string, string", tag = "3")]
    metadata: HashMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Delay>,
}

#[derive(Clone, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
struct RequestInfo {
    #[prost(string, tag = "1")]
    request_id: String,
}

impl Status {
    fn of(answer: &Answer) -> Self {
        let status = tonic::Status::from_header_map(&answer.head.headers).expect("a status");
        Self::decode(status.details()).expect("details")
    }

    fn detail<M: Message + Default>(&self, name: &str) -> Option<M> {
        let url = format!("type.googleapis.com/google.rpc.{name}");
        let any = self.details.iter().find(|any| any.type_url == url)?;
        Some(M::decode(&*any.value).expect("a detail"))
    }
}

const GRPC: (&str, &str) = ("content-type", "application/grpc+proto");

async fn grpc_answer(error: impl Fn() -> BoxError) -> Answer {
    answer(ProblemConfig::default(), request(&[GRPC]), error).await
}

#[tokio::test]
async fn a_rejection_is_a_trailers_only_response() {
    let request = request(&[GRPC, ("x-request-id", "01JD"), ("accept", "text/plain")]);
    let service = ProblemLayer::default().layer(Fails(refusal));
    let Ok(response) = service.oneshot(request).await;
    assert!(response.body().is_end_stream());

    let answer = Answer::of(response).await;
    assert_eq!(answer.head.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), Some("application/grpc"));
    assert_eq!(answer.header("grpc-status"), Some("14"));
    assert_eq!(answer.header("grpc-retry-pushback-ms"), Some("1500"));
    assert_eq!(answer.header("x-request-id"), Some("01JD"));
    assert!(answer.body.is_empty());

    let detail = "A dependency of this service is failing and is not called for a while.";
    assert_eq!(answer.header("grpc-message"), Some(detail));
    let status = Status::of(&answer);
    assert_eq!(status.code, 14);
    assert_eq!(status.message, detail);
    let info: ErrorInfo = status.detail("ErrorInfo").unwrap();
    assert_eq!((&*info.reason, &*info.domain), ("CIRCUIT_OPEN", "buttress"));
    assert_eq!(info.metadata["scope"], "cluster");
    assert_eq!(info.metadata["retryable"], "true");
    let delay = status
        .detail::<RetryInfo>("RetryInfo")
        .unwrap()
        .retry_delay
        .unwrap();
    assert_eq!((delay.seconds, delay.nanos), (1, 500_000_000));
    let request: RequestInfo = status.detail("RequestInfo").unwrap();
    assert_eq!(request.request_id, "01JD");
}

#[tokio::test]
async fn tonic_reads_the_code_the_message_and_the_details() {
    let answer = grpc_answer(refusal).await;
    let status = tonic::Status::from_header_map(&answer.head.headers).unwrap();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert!(status.message().starts_with("A dependency"));
    assert!(!status.details().is_empty());
}

#[tokio::test]
async fn details_are_not_padded() {
    for text in ["a", "ab", "abc"] {
        let error = || Problem::new(StatusCode::GONE).with_request_id(text).into();
        let answer = grpc_answer(error).await;
        assert!(
            !answer
                .header("grpc-status-details-bin")
                .unwrap()
                .contains('=')
        );
        let request: RequestInfo = Status::of(&answer).detail("RequestInfo").unwrap();
        assert_eq!(request.request_id, text);
    }
}

#[tokio::test]
async fn an_unregistered_error_is_internal_and_has_no_details() {
    let answer = grpc_answer(|| "the disk is full".into()).await;
    assert_eq!(answer.header("grpc-status"), Some("13"));
    assert_eq!(answer.header("grpc-message"), Some("Internal Server Error"));
    assert_eq!(answer.header("grpc-status-details-bin"), None);
    assert_eq!(answer.header("grpc-retry-pushback-ms"), None);
}

#[tokio::test]
async fn a_permanent_rejection_stops_the_retry() {
    let error = || {
        Rejection::new(Reason::CircuitIsolated, "a")
            .with_retry_after(Duration::from_secs(1))
            .into()
    };
    let answer = grpc_answer(error).await;
    assert_eq!(answer.header("grpc-retry-pushback-ms"), Some("-1"));
}

#[tokio::test]
async fn a_configured_code_replaces_the_one_of_the_status() {
    let error = || {
        Problem::new(StatusCode::CONFLICT)
            .with_grpc_code(GrpcCode::AlreadyExists)
            .into()
    };
    assert_eq!(grpc_answer(error).await.header("grpc-status"), Some("6"));
}

#[tokio::test]
async fn huge_values_are_cut_to_fit_into_a_header() {
    let error = || {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE)
            .with_detail("\u{fc}".repeat(1 << 20))
            .with_request_id(&"x".repeat(1 << 20))
            .with_retry_after(Duration::MAX)
            .into()
    };
    let answer = grpc_answer(error).await;
    let status = tonic::Status::from_header_map(&answer.head.headers).unwrap();
    assert_eq!(status.message(), "\u{fc}".repeat(512));
    assert_eq!(answer.header("grpc-retry-pushback-ms"), Some("2147483647"));
    assert_eq!(answer.header("grpc-status-details-bin"), None);
}

#[tokio::test]
async fn grpc_web_gets_an_http_response() {
    let request = request(&[("content-type", "application/grpc-web+proto")]);
    let answer = answer(ProblemConfig::default(), request, refusal).await;
    assert_eq!(answer.head.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
}

#[tokio::test]
async fn every_reason_is_read_back_from_the_headers() {
    for &reason in Reason::ALL {
        let rejection = Rejection::new(reason, "a").with_retry_after(Duration::from_millis(7));
        let answer = grpc_answer(|| rejection.clone().into()).await;
        let error = ProblemError::from_grpc(&answer.head.headers).unwrap();
        let problem = error.problem();
        let sent = Problem::from(&rejection);
        assert_eq!(problem.status(), sent.status());
        assert_eq!(problem.grpc_code(), sent.grpc_code());
        assert_eq!(problem.title(), sent.title());
        assert_eq!(problem.detail(), sent.detail());
        assert_eq!(problem.members(), sent.members());
    }
}

#[test]
fn a_call_that_did_not_fail_is_not_a_problem() {
    let headers = |status: &str| {
        HeaderMap::from_iter([("grpc-status".parse().unwrap(), status.parse().unwrap())])
    };
    assert!(ProblemError::from_grpc(&HeaderMap::new()).is_none());
    assert!(ProblemError::from_grpc(&headers("0")).is_none());
    let code = |status| {
        ProblemError::from_grpc(&headers(status))
            .unwrap()
            .problem()
            .grpc_code()
    };
    assert_eq!(code("5"), GrpcCode::NotFound);
    assert_eq!(code("99"), GrpcCode::Unknown);
    assert_eq!(code("broken"), GrpcCode::Unknown);
}

#[test]
fn padded_details_are_read_too() {
    // A `google.rpc.Status` that ends in a `RequestInfo` of "ab", with the padding of other writers.
    let headers = HeaderMap::from_iter(
        [("grpc-status", "14"), ("grpc-status-details-bin", PADDED)]
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())),
    );
    let error = ProblemError::from_grpc(&headers).unwrap();
    assert_eq!(error.problem().request_id(), Some("ab"));
}

const PADDED: &str = "GjIKKnR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5SZXF1ZXN0SW5mbxIECgJhYg==";

proptest! {
    #[test]
    fn no_headers_cause_a_panic(status: Vec<u8>, message: Vec<u8>, details: Vec<u8>, pushback: Vec<u8>) {
        let fields = [
            ("grpc-status", status),
            ("grpc-message", message),
            ("grpc-status-details-bin", details),
            ("grpc-retry-pushback-ms", pushback),
        ];
        let headers: HeaderMap = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.parse().ok()?, value.try_into().ok()?)))
            .collect();
        let failed = headers.get("grpc-status").is_some_and(|status| status != "0");
        // A status of several zeros is also a success.
        let read = ProblemError::from_grpc(&headers);
        prop_assert!(read.is_none() || failed);
    }
}
