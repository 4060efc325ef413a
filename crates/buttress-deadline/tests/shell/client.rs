use std::time::Duration;

use buttress_core::{Reason, TaskContext};
use buttress_deadline::DeadlineHeader;
use http::HeaderMap;
use tower::{Layer, Service};

use crate::support::{
    Witness, after, call, calls, client, client_config, deadline, millis, only, reason, request,
    server, timed, with_header,
};

const ENVOY: &str = "x-envoy-expected-rq-timeout-ms";

#[tokio::test(start_paused = true)]
async fn the_earliest_of_request_task_header_and_timeout_is_sent() {
    for (extension, task, header, timeout, told) in [
        (Some(100), Some(200), None, Some(300), "100"),
        (Some(200), Some(100), None, Some(300), "100"),
        (Some(200), Some(300), None, Some(100), "100"),
        (Some(200), Some(300), Some("100m"), Some(400), "100"),
        (None, None, Some("99999999H"), Some(100), "100"),
        (None, None, None, Some(100), "100"),
    ] {
        let witness = Witness::default();
        let config = client_config().timeout(timeout.map(millis));
        let mut service = client(config).layer(after(Duration::ZERO, &witness));
        let mut request = header.map_or_else(request, |value| with_header("grpc-timeout", value));
        if let Some(deadline) = extension.and_then(|left| deadline(millis(left))) {
            request.extensions_mut().insert(deadline);
        }
        let task = task.and_then(|left| deadline(millis(left)));
        let mut context = TaskContext::default().with_deadline(task);
        context.enter(|| service.call(request)).await.unwrap();
        let seen = only(&witness);
        assert_eq!(seen.headers[ENVOY], told);
        assert_eq!(seen.remaining(), Some(millis(100)));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_nothing_is_written() {
    let witness = Witness::default();
    let service = client(client_config()).layer(after(Duration::ZERO, &witness));
    call(service, request()).await.unwrap();
    assert_eq!(only(&witness).headers, HeaderMap::new());
}

#[tokio::test(start_paused = true)]
async fn grpc_has_its_own_header_and_others_the_configured_one() {
    let ask = async |content_type, header| {
        let witness = Witness::default();
        let config = client_config().timeout(millis(250)).header(header);
        let service = client(config).layer(after(Duration::ZERO, &witness));
        call(service, with_header("content-type", content_type))
            .await
            .unwrap();
        let mut headers = only(&witness).headers;
        headers.remove("content-type");
        headers
    };
    let envoy = ask("application/json", DeadlineHeader::EnvoyExpected).await;
    assert_eq!((envoy.len(), &envoy[ENVOY]), (1, &"250".parse().unwrap()));
    let connect = ask("application/proto", DeadlineHeader::ConnectTimeout).await;
    assert_eq!(
        (connect.len(), &connect["connect-timeout-ms"]),
        (1, &"250".parse().unwrap())
    );
    let moment = ask("text/plain", DeadlineHeader::XDeadline).await;
    assert!(moment["x-deadline"].to_str().unwrap().ends_with('Z'));
    let grpc = ask("application/grpc+proto", DeadlineHeader::EnvoyExpected).await;
    assert_eq!(
        (grpc.len(), &grpc["grpc-timeout"]),
        (1, &"250000u".parse().unwrap())
    );
}

/// Q4: the header is the remaining time, less the margin, and rounded down.
#[tokio::test(start_paused = true)]
async fn the_margin_is_subtracted() {
    let witness = Witness::default();
    let config = client_config()
        .timeout(Duration::from_micros(100_900))
        .margin(millis(20));
    let service = client(config).layer(after(millis(95), &witness));
    // The response takes longer than the header allows, and is ready by the deadline.
    call(service, request()).await.unwrap();
    assert_eq!(only(&witness).headers[ENVOY], "80");
}

#[tokio::test(start_paused = true)]
async fn existing_headers_are_replaced() {
    let witness = Witness::default();
    let service =
        client(client_config().timeout(millis(100))).layer(after(Duration::ZERO, &witness));
    let mut request = with_header("grpc-timeout", "9S");
    request
        .headers_mut()
        .insert("connect-timeout-ms", 9_000.into());
    request.headers_mut().insert("x-deadline", 9_000.into());
    call(service, request).await.unwrap();
    let headers = only(&witness).headers;
    assert_eq!(
        (headers.len(), &headers[ENVOY]),
        (1, &"100".parse().unwrap())
    );
}

#[tokio::test(start_paused = true)]
async fn every_attempt_sends_its_remaining_time() {
    let witness = Witness::default();
    let inner = client(client_config()).layer(after(Duration::ZERO, &witness));
    let attempts = tower::service_fn(move |_: http::Request<_>| {
        let inner = inner.clone();
        async move {
            for _ in 0..3 {
                call(inner.clone(), request()).await?;
                tokio::time::sleep(millis(30)).await;
            }
            call(inner, request()).await
        }
    });
    let service = server(crate::support::config().timeout(millis(100))).layer(attempts);
    call(service, request()).await.unwrap();
    let seen = witness.lock().unwrap();
    let told: Vec<_> = seen
        .iter()
        .map(|seen| seen.headers[ENVOY].clone())
        .collect();
    assert_eq!(told, ["100", "70", "40", "10"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_cannot_end_in_time_is_not_sent() {
    for (left, expected) in [(0, Reason::DeadlineExpired), (29, Reason::DeadlineTooShort)] {
        let witness = Witness::default();
        let config = client_config().margin(millis(10)).minimum(millis(20));
        let service = client(config).layer(after(Duration::ZERO, &witness));
        let mut request = request();
        request
            .extensions_mut()
            .insert(deadline(millis(left)).unwrap());
        let result = call(service, request).await;
        assert_eq!(reason(&result), Some(expected));
        assert_eq!(calls(&witness), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_call_ends_at_the_deadline() {
    let config = client_config().timeout(millis(200)).margin(millis(50));
    let service = client(config).layer(after(millis(500), &Witness::default()));
    let (took, result) = timed(call(service, request())).await;
    assert_eq!(reason(&result), Some(Reason::DeadlineExceeded));
    assert_eq!(took, millis(200));
}
