//! Errors of hyper-util's client: whether the request or the dependency is at fault.
use buttress_core::retry::{Classification, RetryClass};
use buttress_core::{BoxError, Outcome, Report, classify_error};
use buttress_http::{Classify, HttpClassifier, cannot_be_sent, judge_http_error, know_errors};
use bytes::Bytes;
use http::{Method, Request, Version};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower::ServiceExt;

/// The error of a client without TLS.
async fn fail(method: Method, uri: &str, version: Version) -> BoxError {
    let request = Request::builder().method(method).uri(uri).version(version);
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    client.oneshot(request).await.unwrap_err().into()
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    (listener, uri)
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_is_the_callers_mistake() {
    know_errors();
    let (_listener, uri) = listen().await;
    for (method, uri, version) in [
        (Method::GET, "/relative", Version::HTTP_11),
        (Method::OPTIONS, "*", Version::HTTP_11),
        (Method::GET, "localhost:80", Version::HTTP_11),
        (Method::GET, "https://127.0.0.1:1/", Version::HTTP_11),
        (Method::GET, "ftp://127.0.0.1:1/", Version::HTTP_11),
        (Method::GET, &uri, Version::HTTP_09),
        (Method::GET, &uri, Version::HTTP_3),
        // The connection is one of HTTP/1.1.
        (Method::GET, &uri, Version::HTTP_2),
        (Method::CONNECT, "127.0.0.1:1", Version::HTTP_10),
    ] {
        let case = format!("{method} {uri} {version:?}");
        let error = fail(method, uri, version).await;
        assert!(cannot_be_sent(&*error), "{case}: {error:?}");
        assert_eq!(classify_error(&*error), Report::IGNORED, "{case}");
        let client = HttpClassifier::client();
        assert_eq!(client.error(&*error), Report::IGNORED, "{case}");
        let verdict = Classification::new(RetryClass::Permanent);
        assert_eq!(judge_http_error(&*error), verdict, "{case}");
    }
}

#[tokio::test]
async fn a_request_that_was_sent_or_found_no_connection_is_a_failure() {
    know_errors();
    let (listener, closes) = listen().await;
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let (listener, refuses) = listen().await;
    drop(listener);
    for uri in [closes, refuses] {
        let error = fail(Method::GET, &uri, Version::HTTP_11).await;
        assert!(!cannot_be_sent(&*error), "{error:?}");
        let report = HttpClassifier::client().error(&*error);
        assert!(matches!(report.outcome, Outcome::Failure(_)), "{error:?}");
        let class = judge_http_error(&*error).class;
        assert!(class.kind().is_some(), "{class:?}");
    }
}
