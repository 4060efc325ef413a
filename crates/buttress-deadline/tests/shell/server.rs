use std::time::Duration;

use buttress_core::{Deadline, Reason, TaskContext};
use buttress_deadline::{DeadlineHeader, DeadlineHeaders};
use tower::Layer;

use crate::support::{
    Witness, after, call, calls, config, deadline, millis, only, reason, request, server, timed,
    with_header,
};

#[tokio::test(start_paused = true)]
async fn each_header_sets_the_deadline_of_the_handler() {
    for (name, value) in [
        ("grpc-timeout", "200m"),
        ("x-envoy-expected-rq-timeout-ms", "200"),
        ("connect-timeout-ms", "200"),
    ] {
        let witness = Witness::default();
        let service = server(config()).layer(after(Duration::ZERO, &witness));
        call(service, with_header(name, value)).await.unwrap();
        let seen = only(&witness);
        assert_eq!(seen.remaining(), Some(millis(200)), "{name}");
        assert_eq!(seen.extension, seen.task, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_deadline_gets_the_timeout() {
    let witness = Witness::default();
    let layer = server(config().timeout(millis(300)));
    let service = layer.layer(after(Duration::ZERO, &witness));
    call(service.clone(), request()).await.unwrap();
    assert_eq!(only(&witness).remaining(), Some(millis(300)));
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_none_is_set() {
    let witness = Witness::default();
    let service = server(config()).layer(after(millis(1_000_000), &witness));
    call(service, request()).await.unwrap();
    let seen = only(&witness);
    assert_eq!((seen.task, seen.extension), (None, None));
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_is_bounded() {
    let bounded = config()
        .timeout(millis(100))
        .maximum(millis(500))
        .offset(millis(20));
    for (asked, left) in [("80m", 60), ("300m", 280), ("1H", 500), ("99999999H", 500)] {
        let witness = Witness::default();
        let service = server(bounded).layer(after(Duration::ZERO, &witness));
        call(service, with_header("grpc-timeout", asked))
            .await
            .unwrap();
        assert_eq!(only(&witness).remaining(), Some(millis(left)), "{asked}");
    }
}

/// Q4: if a call has expired on arrival, the inner service is never called.
#[tokio::test(start_paused = true)]
async fn a_call_that_cannot_end_in_time_is_rejected_before_the_handler() {
    let picky = config().minimum(millis(50)).offset(millis(10));
    for (name, value, expected) in [
        ("grpc-timeout", "0m", Reason::DeadlineExpired),
        ("connect-timeout-ms", "0", Reason::DeadlineExpired),
        ("grpc-timeout", "10m", Reason::DeadlineTooShort),
        ("grpc-timeout", "59m", Reason::DeadlineTooShort),
    ] {
        let witness = Witness::default();
        let service = server(picky).layer(after(Duration::ZERO, &witness));
        let result = call(service, with_header(name, value)).await;
        assert_eq!(reason(&result), Some(expected), "{name}: {value}");
        assert_eq!(calls(&witness), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_malformed_or_untrusted_header_is_ignored() {
    let doubtful = config()
        .timeout(millis(300))
        .trusted_headers(DeadlineHeaders::NONE.with(DeadlineHeader::GrpcTimeout));
    for (name, value) in [
        ("grpc-timeout", "123456789m"),
        ("grpc-timeout", "1x"),
        ("grpc-timeout", ""),
        ("grpc-timeout", "-1S"),
        ("connect-timeout-ms", "1"),
        ("x-deadline", "2001-01-01T00:00:00Z"),
    ] {
        let witness = Witness::default();
        let service = server(doubtful).layer(after(Duration::ZERO, &witness));
        call(service, with_header(name, value)).await.unwrap();
        assert_eq!(
            only(&witness).remaining(),
            Some(millis(300)),
            "{name}: {value}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_moment_is_read_if_trusted_and_within_the_skew() {
    let trusting =
        config().trusted_headers(DeadlineHeaders::RELATIVE.with(DeadlineHeader::XDeadline));
    let arrives = async |value: &str, skew| {
        let witness = Witness::default();
        let service = server(trusting.clock_skew(skew)).layer(after(Duration::ZERO, &witness));
        let result = call(service, with_header("x-deadline", value)).await;
        (reason(&result), calls(&witness))
    };
    let century = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    let past = "2020-01-01T00:00:00Z";
    assert_eq!(
        arrives(past, century).await,
        (Some(Reason::DeadlineExpired), 0)
    );
    assert_eq!(arrives(past, millis(1_000)).await, (None, 1));
    assert_eq!(
        arrives("9999-12-31T23:59:59Z", millis(1_000)).await,
        (None, 1)
    );
}

/// Q4: a child never has more time than its parent.
#[tokio::test(start_paused = true)]
async fn the_tasks_deadline_is_never_extended() {
    for (outer, asked, left) in [(100, "200m", 100), (200, "100m", 100)] {
        let witness = Witness::default();
        let service = server(config()).layer(after(Duration::ZERO, &witness));
        let mut context = TaskContext::default().with_deadline(deadline(millis(outer)));
        let future = context.enter(|| {
            let mut service = service;
            tower::Service::call(&mut service, with_header("grpc-timeout", asked))
        });
        future.await.unwrap();
        assert_eq!(only(&witness).remaining(), Some(millis(left)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_in_the_extension_is_used_too() {
    let witness = Witness::default();
    let service = server(config().timeout(millis(300))).layer(after(Duration::ZERO, &witness));
    let mut request = request();
    let carried: Deadline = deadline(millis(70)).unwrap();
    request.extensions_mut().insert(carried);
    call(service, request).await.unwrap();
    assert_eq!(only(&witness).remaining(), Some(millis(70)));
}

#[tokio::test(start_paused = true)]
async fn the_extension_can_be_disabled() {
    let witness = Witness::default();
    let layer = server(config().timeout(millis(300)).extension(false));
    call(layer.layer(after(Duration::ZERO, &witness)), request())
        .await
        .unwrap();
    let seen = only(&witness);
    assert_eq!(
        (seen.extension, seen.remaining()),
        (None, Some(millis(300)))
    );
}

#[tokio::test(start_paused = true)]
async fn the_call_ends_at_the_deadline() {
    let witness = Witness::default();
    let service = server(config()).layer(after(millis(500), &witness));
    let (took, result) = timed(call(service, with_header("grpc-timeout", "200m"))).await;
    assert_eq!(reason(&result), Some(Reason::DeadlineExceeded));
    assert_eq!(took, millis(200));
}
