use std::panic::{AssertUnwindSafe, catch_unwind};

use ::http::Response;
use buttress_core::Deadline;
use buttress_testkit::{CountingWaker, ProbeHandle, Script, TestBody};
use tower::ServiceExt;

use crate::support::{behind, call, failure, get, retry};

const POLLS: usize = 3;

fn slow_failure() -> Script<Response<TestBody>> {
    Script::new().pending(POLLS).err("scripted failure")
}

/// In each attempt, in each wait, and while the service is not ready for the next attempt.
#[tokio::test(start_paused = true)]
async fn a_call_dropped_anywhere_leaks_nothing() {
    let retry = retry();
    let (service, probe) = behind(&retry);
    probe.script(slow_failure());
    let before = retry.shared_budget().snapshot();
    let task = CountingWaker::new();

    for steps in 0..4 * (POLLS + 2) {
        probe.ready();
        let mut future = Box::pin(call(&service, get()));
        for step in 0..steps {
            if task.poll_future(future.as_mut()).is_ready() {
                break;
            }
            if probe.in_flight() == 0 {
                // In the wait. In half of the runs the service is not ready afterwards.
                if steps % 2 == 0 {
                    probe.not_ready();
                }
                tokio::time::advance(std::time::Duration::from_secs(1)).await;
            }
            let _ = step;
        }
        drop(future);
        assert_eq!(probe.in_flight(), 0, "after {steps} steps");
        assert_eq!(probe.reserved(), 0, "after {steps} steps");
        let after = retry.shared_budget().snapshot();
        assert_eq!(
            (after.calls_in_flight, after.extra_in_flight),
            (before.calls_in_flight, before.extra_in_flight)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_while_the_service_is_not_ready_returns_its_reservation() {
    let retry = retry();
    let (service, probe) = behind(&retry);
    probe.script(failure());
    let mut future = Box::pin(call(&service, get()));
    let task = CountingWaker::new();
    assert!(task.poll_future(future.as_mut()).is_pending());
    probe.not_ready();
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    assert!(task.poll_future(future.as_mut()).is_pending());
    assert_eq!(
        (
            probe.calls(),
            retry.shared_budget().snapshot().extra_in_flight
        ),
        (1, 1)
    );
    drop(future);
    let snapshot = retry.shared_budget().snapshot();
    assert_eq!((snapshot.calls_in_flight, snapshot.extra_in_flight), (0, 0));
}

/// A call that ended returns what its service reserved, although its future is not dropped.
#[tokio::test(start_paused = true)]
async fn a_call_that_gives_up_before_its_next_attempt_reserves_nothing() {
    let second = std::time::Duration::from_secs(1);
    let ready_too_late: fn(&ProbeHandle) = ProbeHandle::ready;
    for end in [ready_too_late, ProbeHandle::broken, |_| {}] {
        let retry = retry();
        let (service, probe) = behind(&retry);
        probe.script(failure());
        let mut request = get();
        let deadline = tokio::time::Instant::now() + second;
        request
            .extensions_mut()
            .insert(Deadline::at(deadline.into_std()));
        // `call` would drop the future as soon as it has ended.
        let mut future = Box::pin(service.clone().oneshot(request));
        let task = CountingWaker::new();
        assert!(task.poll_future(future.as_mut()).is_pending());
        probe.not_ready();
        tokio::time::advance(second / 2).await;
        assert!(task.poll_future(future.as_mut()).is_pending());
        tokio::time::advance(second).await;
        end(&probe);
        assert!(task.poll_future(future.as_mut()).is_ready());
        let seen = (probe.calls(), probe.reserved(), probe.alive());
        drop(future);
        assert_eq!(seen, (1, 0, probe.alive()));
    }
}

#[tokio::test(start_paused = true)]
async fn an_inner_panic_reaches_its_caller_and_leaks_nothing() {
    let retry = retry();
    let (service, probe) = behind(&retry);
    for script in [
        Script::new().panic(),
        Script::new().panic_in_call(),
        Script::new().pending(1).panic(),
    ] {
        probe.script_next(failure());
        probe.script_next(script);
        let task = CountingWaker::new();
        let mut future = Box::pin(call(&service, get()));
        assert!(task.poll_future(future.as_mut()).is_pending());
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        let poll = || {
            while task.poll_future(future.as_mut()).is_pending() {}
        };
        catch_unwind(AssertUnwindSafe(poll)).unwrap_err();
        drop(future);
        let snapshot = retry.shared_budget().snapshot();
        assert_eq!((snapshot.calls_in_flight, snapshot.extra_in_flight), (0, 0));
        call(&service, get()).await.unwrap();
    }
}
