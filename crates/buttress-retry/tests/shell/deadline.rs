use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use ::http::{Request, Response, StatusCode};
use buttress_core::{BoxError, Deadline, Reason, Rejection, TaskContext};
use buttress_retry::{Retry, RetryConfig, RetryLayer, RetryStopped, StopReason};
use buttress_testkit::{CountingWaker, Gate, Script, TestBody};
use tokio::time::{Instant, sleep, timeout};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Body, WAIT, answer, behind, call, config, failure, get, retry};

fn deadline(after: Duration) -> Deadline {
    Deadline::at((Instant::now() + after).into_std())
}

fn get_by(deadline: Deadline) -> Request<Body> {
    let mut request = get();
    request.extensions_mut().insert(deadline);
    request
}

#[tokio::test(start_paused = true)]
async fn no_wait_starts_that_ends_too_late() {
    let (service, probe) = behind(&retry());
    probe.script(answer(503, &[]));
    let began = Instant::now();
    let response = call(&service, get_by(deadline(WAIT))).await.unwrap();
    assert_eq!(response.status(), 503);
    let stopped = response.extensions().get::<RetryStopped>().unwrap();
    assert_eq!(
        (stopped.reason(), stopped.attempts()),
        (StopReason::DeadlineTooShort, 1)
    );
    assert!(began.elapsed().is_zero());
}

#[tokio::test(start_paused = true)]
async fn a_requested_wait_beyond_the_deadline_ends_the_call() {
    let (service, probe) = behind(&retry());
    probe.script(answer(503, &[("retry-after", "5")]));
    let in_time = deadline(Duration::from_secs(6));
    assert_eq!(call(&service, get_by(in_time)).await.unwrap().status(), 503);
    assert_eq!(probe.calls(), 2);
    let too_late = deadline(Duration::from_secs(5));
    call(&service, get_by(too_late)).await.unwrap();
    assert_eq!(probe.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_earlier_of_two_deadlines_of_the_task_is_used() {
    let (service, probe) = behind(&retry());
    probe.script(failure());
    let mut context = TaskContext::default().with_deadline(Some(deadline(WAIT)));
    for request in [get(), get_by(deadline(Duration::from_secs(60)))] {
        let mut future = context.enter(|| Box::pin(call(&service, request)));
        let task = CountingWaker::new();
        let polled = context.enter(|| task.poll_future(future.as_mut()));
        assert!(polled.is_ready());
    }
    assert_eq!(probe.calls(), 2);
}

/// A plain retry has only the deadline of its task.
#[tokio::test(start_paused = true)]
async fn no_retry_starts_after_the_deadline() {
    let (service, probe) = behind(&retry());
    probe.script(failure());
    call(&service, get_by(deadline(Duration::ZERO)))
        .await
        .unwrap_err();
    assert_eq!(probe.calls(), 1);
}

/// The next attempt is expected to take as long as the last.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_would_be_cut_off_is_not_started() {
    let cut = run_by_deadline(&config(), WAIT).await;
    assert_eq!(cut, 0);
}

/// The control: with an expected time of zero, attempts are cut off.
#[tokio::test(start_paused = true)]
async fn with_an_expected_time_of_zero_attempts_are_cut_off() {
    let hasty = config().expected_attempt_time(Duration::ZERO);
    assert!(run_by_deadline(&hasty, WAIT).await > 0);
}

/// The number of retries that are cut off, for a hundred deadlines of 10 ms and more, 10 ms apart.
async fn run_by_deadline(config: &RetryConfig, service_time: Duration) -> usize {
    let retry = Retry::new("test", config.clone());
    let mut cut = 0;
    for hundredths in 0..100_u32 {
        let service =
            RetryLayer::client(&retry).layer(service_fn(move |_: Request<Body>| async move {
                sleep(service_time).await;
                let mut response = Response::new(TestBody::empty());
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                Ok::<_, BoxError>(response)
            }));
        let left = service_time + Duration::from_millis(1) + hundredths * Duration::from_millis(10);
        let request = get_by(deadline(left));
        cut += usize::from(timeout(left, service.oneshot(request)).await.is_err());
    }
    cut
}

/// The error of the last attempt, or the retry's own where a response was dropped before the wait.
fn is_the_last(error: &BoxError, text: Option<&str>, own: Reason) {
    match text {
        Some(text) => assert_eq!(error.to_string(), text),
        None => assert_eq!(Rejection::find(&**error).map(Rejection::reason), Some(own)),
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_ready_too_late_is_not_called() {
    for (script, text) in [
        (failure(), Some("scripted failure")),
        (answer(503, &[]), None),
    ] {
        let (service, probe) = behind(&retry());
        probe.script(script);
        let mut future = Box::pin(call(&service, get_by(deadline(10 * WAIT))));
        let task = CountingWaker::new();
        assert!(task.poll_future(future.as_mut()).is_pending());
        probe.not_ready();
        tokio::time::advance(2 * WAIT).await;
        assert!(task.poll_future(future.as_mut()).is_pending());
        let wakes = task.wakes();
        // Only the deadline wakes it.
        tokio::time::advance(20 * WAIT).await;
        assert!(task.wakes() > wakes);
        let error = future.await.unwrap_err();
        assert_eq!(probe.calls(), 1);
        let stopped = RetryStopped::find(&*error).unwrap();
        assert_eq!(stopped.reason(), StopReason::DeadlineTooShort);
        is_the_last(&error, text, Reason::DeadlineTooShort);
    }
}

/// The attempt's timeout bounds the wait for readiness too, so a call without a deadline ends.
#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_ready_within_the_timeout_ends_the_call() {
    for (script, text) in [
        (failure(), Some("scripted failure")),
        (answer(503, &[]), None),
    ] {
        let retry = Retry::new("test", config().attempt_timeout(WAIT));
        let (service, probe) = behind(&retry);
        probe.script(script);
        let began = Instant::now();
        let mut future = Box::pin(call(&service, get()));
        assert!(
            CountingWaker::new()
                .poll_future(future.as_mut())
                .is_pending()
        );
        probe.not_ready();
        let error = future.await.unwrap_err();
        // The backoff, and the timeout.
        assert_eq!(began.elapsed(), 2 * WAIT);
        assert_eq!(probe.calls(), 1);
        let stopped = RetryStopped::find(&*error).unwrap();
        assert_eq!(
            (stopped.reason(), stopped.attempts()),
            (StopReason::NotReady, 1)
        );
        is_the_last(&error, text, Reason::DeadlineExceeded);
    }
}

#[tokio::test(start_paused = true)]
async fn the_earlier_of_deadline_and_timeout_ends_the_wait_for_readiness() {
    for (left, reason, ends) in [
        (2 * WAIT, StopReason::DeadlineTooShort, 2 * WAIT),
        (5 * WAIT, StopReason::NotReady, 4 * WAIT),
    ] {
        let retry = Retry::new("test", config().attempt_timeout(3 * WAIT));
        let (service, probe) = behind(&retry);
        probe.script(failure());
        let began = Instant::now();
        let mut future = Box::pin(call(&service, get_by(deadline(left))));
        assert!(
            CountingWaker::new()
                .poll_future(future.as_mut())
                .is_pending()
        );
        probe.not_ready();
        let error = future.await.unwrap_err();
        assert_eq!(began.elapsed(), ends);
        assert_eq!(RetryStopped::find(&*error).unwrap().reason(), reason);
    }
}

/// Each wait for readiness has the whole timeout, and so has each attempt.
#[tokio::test(start_paused = true)]
async fn a_wait_for_readiness_does_not_shorten_what_follows_it() {
    let ms = Duration::from_millis(1);
    let nearly = WAIT - 10 * ms;
    let (service, probe) = behind(&Retry::new("test", config().attempt_timeout(WAIT)));
    let gate = Gate::new();
    probe.script_next(failure());
    probe.script_next(failure());
    let response = Response::new(TestBody::empty());
    probe.script_next(Script::new().wait(&gate).ok(response));
    let mut future = Box::pin(call(&service, get()));
    assert!(
        CountingWaker::new()
            .poll_future(future.as_mut())
            .is_pending()
    );
    let drive = async {
        for backoff in [WAIT, 2 * WAIT] {
            probe.not_ready();
            sleep(backoff + nearly).await;
            probe.ready();
            sleep(ms).await;
        }
        sleep(nearly - ms).await;
        gate.open();
    };
    let (result, ()) = tokio::join!(future, drive);
    result.unwrap();
    assert_eq!(probe.calls(), 3);
}

/// A header has the remaining time, so it differs in each attempt.
#[tokio::test(start_paused = true)]
async fn the_remaining_time_in_headers_shrinks_from_attempt_to_attempt() {
    for (name, given) in [
        ("grpc-timeout", ["1000000u", "890000u", "680000u"]),
        ("x-envoy-expected-rq-timeout-ms", ["1000", "890", "680"]),
    ] {
        let told = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&told);
        let server = service_fn(move |request: Request<Body>| {
            let value = request.headers()[name].to_str().map(str::to_owned);
            seen.borrow_mut().push(value.expect("the header is text"));
            async {
                sleep(Duration::from_millis(10)).await;
                let mut response = Response::new(TestBody::empty());
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                Ok::<_, BoxError>(response)
            }
        });
        let retry = retry();
        let mut request = get();
        let value = given[0].parse().unwrap();
        request.headers_mut().insert(name, value);
        let service = RetryLayer::client(&retry).layer(server);
        service.oneshot(request).await.unwrap();
        assert_eq!(told.borrow().len(), 3);
        for (told, given) in told.borrow().iter().zip(given) {
            let number = |text: &str| text.trim_end_matches(['u', 'm']).parse::<u64>().unwrap();
            let in_micros = |text: &str| match text.ends_with('m') {
                true => number(text) * 1_000,
                false => number(text),
            };
            assert_eq!(in_micros(told), in_micros(given), "{name}");
        }
    }
}

/// The caller's timeout for the server covers all attempts.
#[tokio::test(start_paused = true)]
async fn the_timeout_in_a_header_covers_all_attempts() {
    let (service, probe) = behind(&retry());
    probe.script(answer(503, &[]));
    for (given, attempts) in [("90m", 1), ("150m", 2), ("1S", 3)] {
        let before = probe.calls();
        let mut request = get();
        request
            .headers_mut()
            .insert("grpc-timeout", given.parse().unwrap());
        call(&service, request).await.unwrap();
        assert_eq!(probe.calls() - before, attempts, "{given}");
    }
}

/// The latency of other calls counts if the call itself failed at once.
#[tokio::test(start_paused = true)]
async fn the_measured_latency_must_remain_before_the_deadline() {
    for (left, attempts) in [(5 * WAIT, 2), (3 * WAIT, 1)] {
        let retry = retry();
        let calls = Rc::new(Cell::new(0));
        let counted = Rc::clone(&calls);
        let service =
            RetryLayer::client(&retry).layer(service_fn(move |request: Request<Body>| {
                let fails = request.headers().contains_key("fail");
                counted.set(counted.get() + u32::from(fails));
                async move {
                    let mut response = Response::new(TestBody::empty());
                    if fails {
                        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                    } else {
                        sleep(3 * WAIT).await;
                    }
                    Ok::<_, BoxError>(response)
                }
            }));
        for _ in 0..20 {
            let request = get_by(deadline(Duration::from_secs(60)));
            service.clone().oneshot(request).await.unwrap();
        }
        let mut request = get_by(deadline(left));
        request.headers_mut().insert("fail", "1".parse().unwrap());
        service.oneshot(request).await.unwrap();
        assert_eq!(calls.get(), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn the_earlier_deadline_of_extension_and_header_is_used() {
    let (service, probe) = behind(&retry());
    probe.script(answer(503, &[]));
    for (extension, header) in [("60000", "50"), ("50", "60000")] {
        let mut request = get_by(deadline(Duration::from_millis(extension.parse().unwrap())));
        let header = header.parse().unwrap();
        request.headers_mut().insert("connect-timeout-ms", header);
        call(&service, request).await.unwrap();
    }
    assert_eq!(probe.calls(), 2);
}
