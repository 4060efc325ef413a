//! An inner service that is not ready, or fails in `poll_ready`.

use std::future::{Pending, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use crate::common::{Answer, Inner, request};
use buttress_core::BoxError;
use buttress_problem::{Problem, ProblemLayer};
use http::{Request, Response, StatusCode};
use tower::{Layer, Service, ServiceExt};

/// Returns scripted results from `poll_ready`, then success; panics if called.
#[derive(Clone)]
struct FailsReady {
    polls: Arc<AtomicUsize>,
}

impl Service<Request<Inner>> for FailsReady {
    type Response = Response<Inner>;
    type Error = BoxError;
    type Future = Pending<Result<Response<Inner>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self.polls.fetch_add(1, Ordering::SeqCst) {
            0 => Poll::Pending,
            1 => {
                let problem = Problem::new(StatusCode::BAD_GATEWAY).with_detail("It is gone.");
                Poll::Ready(Err(problem.into()))
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, _: Request<Inner>) -> Self::Future {
        panic!("a service whose poll_ready failed was called")
    }
}

#[tokio::test]
async fn a_readiness_error_is_the_response_to_every_later_call() {
    let polls = Arc::new(AtomicUsize::new(0));
    let mut service = ProblemLayer::default().layer(FailsReady {
        polls: polls.clone(),
    });
    let mut cx = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut cx).is_pending());
    for _ in 0..3 {
        assert!(matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(()))));
        let Ok(response) = service.call(request(&[])).await;
        let answer = Answer::of(response).await;
        assert_eq!(answer.head.status, StatusCode::BAD_GATEWAY);
        assert_eq!(answer.json()["detail"], "It is gone.");
    }
    assert_eq!(
        polls.load(Ordering::SeqCst),
        2,
        "a failed service was polled again"
    );
}

#[tokio::test]
async fn a_readiness_error_has_the_format_of_grpc_for_grpc() {
    let polls = Arc::new(AtomicUsize::new(1));
    let service = ProblemLayer::default().layer(FailsReady { polls });
    let request = request(&[("content-type", "application/grpc")]);
    let Ok(response) = service.oneshot(request).await;
    assert_eq!(response.headers()["grpc-status"], "14");
}

#[tokio::test]
async fn a_clone_of_a_failed_service_polls_for_itself() {
    let polls = Arc::new(AtomicUsize::new(1));
    let mut service = ProblemLayer::default().layer(FailsReady {
        polls: polls.clone(),
    });
    let mut cx = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut cx).is_ready());
    assert!(service.clone().poll_ready(&mut cx).is_ready());
    assert_eq!(polls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_dropped_call_drops_the_inner_call() {
    let held = Arc::new(());
    let inner = tower::service_fn({
        let held = held.clone();
        move |_: Request<Inner>| {
            let held = held.clone();
            async move {
                let _held = held;
                pending::<Result<Response<Inner>, BoxError>>().await
            }
        }
    });
    let mut service = ProblemLayer::default().layer(inner);
    let before = Arc::strong_count(&held);
    let mut call = Box::pin(service.call(request(&[])));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut cx).is_pending());
    assert_eq!(Arc::strong_count(&held), before + 1);
    drop(call);
    assert_eq!(Arc::strong_count(&held), before);
}
