use std::time::Duration;

use ::http::{Request, Response, StatusCode};
use buttress_http::{Idempotent, ReplayBody};
use buttress_retry::{Retry, RetryLayer, RetryStopped, StopReason};
use buttress_testkit::{Gate, TestBody};
use http_body_util::BodyExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Body, WAIT, answer, behind, call, config, failure, get, grpc, post, retry};

fn stopped<B>(response: &Response<B>) -> Option<(StopReason, u32)> {
    let stopped = response.extensions().get::<RetryStopped>()?;
    Some((stopped.reason(), stopped.attempts()))
}

#[tokio::test(start_paused = true)]
async fn only_safe_requests_are_retried() {
    let (service, probe) = behind(&retry());
    probe.script(answer(503, &[]));
    let with = |method: &str, marker: Option<bool>, key: Option<&str>| {
        let mut request = Request::builder().method(method);
        if let Some(marker) = marker {
            request = request.extension(Idempotent(marker));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        request.body(ReplayBody::new(TestBody::empty())).unwrap()
    };
    for (request, attempts) in [
        (with("GET", None, None), 3),
        (with("PUT", None, None), 3),
        (with("DELETE", None, None), 3),
        (with("POST", None, None), 1),
        (with("PATCH", None, None), 1),
        (with("POST", None, Some("a")), 3),
        (with("POST", Some(true), None), 3),
        (with("GET", Some(false), None), 1),
    ] {
        let before = probe.calls();
        let what = format!("{request:?}");
        let response = call(&service, request).await.unwrap();
        assert_eq!(probe.calls() - before, attempts, "{what}");
        let reason = match attempts {
            1 => StopReason::NotIdempotent,
            _ => StopReason::AttemptsExhausted,
        };
        assert_eq!(stopped(&response), Some((reason, attempts as u32)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_blames_the_request_is_returned() {
    for status in [200, 204, 301, 400, 401, 404, 409, 422, 500, 501] {
        let (service, probe) = behind(&retry());
        probe.script(answer(status, &[]));
        let response = call(&service, get()).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(stopped(&response), None, "{status}");
        assert_eq!(probe.calls(), 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_response_is_returned() {
    let (service, probe) = behind(&retry());
    for status in [503, 429, 504] {
        probe.script_next(answer(status, &[]));
    }
    let response = call(&service, get()).await.unwrap();
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(stopped(&response), Some((StopReason::AttemptsExhausted, 3)));
}

/// Defect R01 of tower-resilience: a `Retry-After` of two seconds was retried after 100 milliseconds.
#[tokio::test(start_paused = true)]
async fn retry_after_is_a_minimum_wait() {
    let date = ("date", "Sun, 06 Nov 1994 12:00:00 GMT");
    let in_two = ("retry-after", "Sun, 06 Nov 1994 12:00:02 GMT");
    let past = ("retry-after", "Sun, 06 Nov 1994 11:00:00 GMT");
    for (headers, seconds) in [
        (vec![("retry-after", "2")], 2),
        (vec![date, in_two], 2),
        (vec![date, past], 0),
        (vec![("retry-after", "0")], 0),
    ] {
        let (service, probe) = behind(&retry());
        probe.script_next(answer(503, &headers));
        let began = Instant::now();
        call(&service, get()).await.unwrap();
        let expected = Duration::from_secs(seconds) + WAIT;
        assert_eq!(began.elapsed(), expected, "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_call_waits_for_a_year() {
    for value in ["11", "31536000", "99999999999999999999"] {
        let (service, probe) = behind(&retry());
        probe.script_next(answer(503, &[("retry-after", value)]));
        let response = call(&service, get()).await.unwrap();
        assert_eq!(stopped(&response), Some((StopReason::RetryAfterTooLong, 1)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_forbids_retries_is_not_retried() {
    let (service, probe) = behind(&retry());
    probe.script(answer(503, &[("x-buttress-retry", "no")]));
    let response = call(&service, get()).await.unwrap();
    assert_eq!(stopped(&response), Some((StopReason::Forbidden, 1)));
    assert_eq!(probe.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn grpc_is_retried_by_code_and_pushback() {
    for (script, calls) in [
        (grpc("14", &[]), 3),
        (grpc("14", &[("grpc-retry-pushback-ms", "-1")]), 1),
        (grpc("14", &[("grpc-retry-pushback-ms", "soon")]), 1),
        (grpc("8", &[]), 1),
        (grpc("8", &[("grpc-retry-pushback-ms", "10")]), 3),
        (grpc("13", &[]), 1),
        (grpc("0", &[]), 1),
        (answer(200, &[("content-type", "application/grpc")]), 1),
    ] {
        let (service, probe) = behind(&retry());
        let what = format!("{script:?}");
        probe.script(script);
        let mut request = post(TestBody::empty());
        request.extensions_mut().insert(Idempotent(true));
        call(&service, request).await.unwrap();
        assert_eq!(probe.calls(), calls, "{what}");

        // The pod may have been terminated after it placed the order.
        let before = probe.calls();
        call(&service, post(TestBody::empty())).await.unwrap();
        assert_eq!(probe.calls(), before + 1, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pushback_is_waited_for() {
    let (service, probe) = behind(&retry());
    probe.script_next(grpc("14", &[("grpc-retry-pushback-ms", "1500")]));
    let began = Instant::now();
    let mut request = post(TestBody::empty());
    request.extensions_mut().insert(Idempotent(true));
    call(&service, request).await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_millis(1_500) + WAIT);
}

/// The requests at a server that reads each body entirely and answers 503 to all but the last of `attempts`.
async fn received(request: Request<Body>, attempts: usize) -> Vec<(String, [Option<String>; 2])> {
    let (sent, mut received) = mpsc::unbounded_channel();
    let server = service_fn(move |request: Request<Body>| {
        let sent = sent.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let header = |name| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
            let numbers = ["x-attempt", "grpc-previous-rpc-attempts"].map(header);
            let text = String::from_utf8_lossy(&body).into_owned();
            let _ = sent.send((text, numbers));
            let mut response = Response::new(TestBody::empty());
            if sent.strong_count() > 0 {
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            }
            Ok::<_, buttress_core::BoxError>(response)
        }
    });
    let retry = Retry::new("test", config().attempts(attempts as u32));
    let service = RetryLayer::client(&retry).layer(server);
    let answer = service.oneshot(request).await;
    answer.expect("the server responds");
    let mut seen = Vec::new();
    while let Ok(attempt) = received.try_recv() {
        seen.push(attempt);
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn every_attempt_sends_the_whole_body_and_its_number() {
    let mut request = post(TestBody::empty().data("he").pending().data("llo"));
    request.extensions_mut().insert(Idempotent(true));
    let numbered = |n: &str| Some(n.to_owned());
    assert_eq!(
        received(request, 3).await,
        [
            ("hello".to_owned(), [None, None]),
            ("hello".to_owned(), [numbered("2"), None]),
            ("hello".to_owned(), [numbered("3"), None]),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn grpc_counts_the_attempts_before() {
    let mut request = post(TestBody::empty());
    request.extensions_mut().insert(Idempotent(true));
    let grpc = buttress_http::grpc::CONTENT_TYPE;
    request.headers_mut().insert("content-type", grpc);
    let numbers: Vec<_> = received(request, 3)
        .await
        .into_iter()
        .map(|(_, n)| n)
        .collect();
    let numbered = |a: &str, b: &str| [Some(a.to_owned()), Some(b.to_owned())];
    assert_eq!(
        numbers,
        [[None, None], numbered("2", "1"), numbered("3", "2")]
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_large_is_sent_once() {
    for body in [
        TestBody::empty().data("x").declare(64 * 1024 + 1),
        TestBody::empty()
            .data(Box::leak("x".repeat(64 * 1024 + 1).into_boxed_str()))
            .declare(0),
    ] {
        let server = service_fn(|request: Request<Body>| async {
            let _ = request.into_body().collect().await?;
            let mut response = Response::new(TestBody::empty());
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            Ok::<_, buttress_core::BoxError>(response)
        });
        let mut request = post(body);
        request.extensions_mut().insert(Idempotent(true));
        let service = RetryLayer::client(&retry()).layer(server);
        let response = service.oneshot(request).await.unwrap();
        assert_eq!(stopped(&response), Some((StopReason::BodyTooLarge, 1)));
    }
}

/// The caller's upload was aborted: the body cannot be sent again.
#[tokio::test(start_paused = true)]
async fn a_body_that_fails_is_not_sent_again() {
    let server = service_fn(|request: Request<Body>| async {
        request.into_body().collect().await?;
        Ok::<_, buttress_core::BoxError>(Response::new(TestBody::empty()))
    });
    let mut request = post(TestBody::empty().err("upload broke off"));
    request.extensions_mut().insert(Idempotent(true));
    let service = RetryLayer::client(&retry()).layer(server);
    let error = service.oneshot(request).await.unwrap_err();
    assert_eq!(error.to_string(), "upload broke off");
    let stopped = RetryStopped::find(&*error).unwrap();
    assert_eq!(stopped.reason(), StopReason::BodyLost);
}

/// Law 9: a request that cannot be sent again costs no budget.
#[tokio::test(start_paused = true)]
async fn nothing_is_kept_when_nothing_failed() {
    let retry = retry();
    let (service, probe) = behind(&retry);
    let gate = Gate::new();
    probe.script(answer(200, &[]));
    let response = call(&service, post(TestBody::empty().wait(&gate)))
        .await
        .unwrap();
    let snapshot = retry.shared_budget().snapshot();
    assert_eq!((snapshot.calls_in_flight, snapshot.extra_in_flight), (0, 0));
    drop(response);
    probe.script(failure());
}
