//! Only requests that are safe to send twice are, and nothing else is polled, cloned or dropped.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use ::http::{Request, Response};
use buttress_core::{BoxError, Ending, Reason, Rejection};
use buttress_http::Idempotent;
use buttress_retry::{Retry, RetryLayer, RetryStopped};
use buttress_testkit::{CountingWaker, TestBody};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Body, WAIT, accrue_budget, config, get, post, retry};

/// The error of a handler that called another service, with its source.
#[derive(Debug)]
struct MailNotSent(Rejection);

impl fmt::Display for MailNotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the order was placed, the mail was not sent")
    }
}

impl std::error::Error for MailNotSent {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn full() -> Rejection {
    Rejection::new(Reason::BulkheadFull, "mail")
}

/// R3: the service placed an order, and then the bulkhead of its own client was full.
#[tokio::test(start_paused = true)]
async fn a_rejection_met_by_the_service_itself_is_not_retried() {
    let errors: [fn() -> BoxError; 3] = [
        || full().into(),
        || MailNotSent(full()).into(),
        || std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into(),
    ];
    for error in errors {
        let orders = Rc::new(Cell::new(0));
        let placed = Rc::clone(&orders);
        let inner = service_fn(move |request: Request<Body>| {
            placed.set(placed.get() + 1);
            drop(request);
            async move { Err::<Response<TestBody>, _>(error()) }
        });
        accrue_budget().await;
        let service = RetryLayer::client(&retry()).layer(inner);
        for request in [post(TestBody::empty()), {
            let mut request = get();
            request.extensions_mut().insert(Idempotent(false));
            request
        }] {
            let before = orders.get();
            service.clone().oneshot(request).await.unwrap_err();
            assert_eq!(orders.get(), before + 1);
        }
    }
}

/// An inner layer rejected the request in place of the service, so the request was not processed.
#[tokio::test(start_paused = true)]
async fn a_request_rejected_by_an_inner_layer_is_retried_for_any_method() {
    let calls = Rc::new(Cell::new(0));
    let counted = Rc::clone(&calls);
    let inner = service_fn(move |request: Request<Body>| {
        counted.set(counted.get() + 1);
        let first = counted.get() == 1;
        if first {
            Ending::Refused.during(|| drop(request));
        }
        async move {
            match first {
                true => Err(full()),
                false => Ok(Response::new(TestBody::empty())),
            }
        }
    });
    accrue_budget().await;
    let service = RetryLayer::client(&retry()).layer(inner);
    service.oneshot(post(TestBody::empty())).await.unwrap();
    assert_eq!(calls.get(), 2);
}

/// A layer sends each order to two services and returns the first result. One service rejects the order while the
/// other still processes it.
#[tokio::test(start_paused = true)]
async fn a_request_of_which_a_copy_is_not_rejected_is_not_retried() {
    let orders = Rc::new(RefCell::new(Vec::new()));
    let placed = Rc::clone(&orders);
    let inner = service_fn(move |request: Request<Body>| {
        placed.borrow_mut().push(request.extensions().clone());
        Ending::Refused.during(|| drop(request));
        async { Err::<Response<TestBody>, _>(full()) }
    });
    accrue_budget().await;
    let service = RetryLayer::client(&retry()).layer(inner);
    let error = service.oneshot(post(TestBody::empty())).await;
    assert!(error.is_err());
    assert_eq!(orders.borrow().len(), 1);
}

/// Counts its polls, and never completes.
struct Counted(Rc<Cell<u32>>);

impl Future for Counted {
    type Output = Result<Response<TestBody>, BoxError>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.set(self.0.get() + 1);
        Poll::Pending
    }
}

/// R4.
#[tokio::test(start_paused = true)]
async fn each_poll_polls_the_inner_future_once() {
    for timeout in [None, Some(10 * WAIT)] {
        let retry = Retry::new("test", config().attempt_timeout(timeout));
        let polls = Rc::new(Cell::new(0));
        let counted = Rc::clone(&polls);
        let inner = service_fn(move |_: Request<Body>| Counted(Rc::clone(&counted)));
        let mut call = Box::pin(RetryLayer::client(&retry).layer(inner).oneshot(get()));
        let task = CountingWaker::new();
        for polled in 1..=10 {
            assert!(task.poll_future(call.as_mut()).is_pending());
            assert_eq!(polls.get(), polled, "{timeout:?}");
        }
    }
}

/// An inner breaker learns from it that the dependency hangs.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_times_out_is_dropped_as_expired() {
    struct Told(Rc<RefCell<Vec<Ending>>>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.borrow_mut().push(Ending::current());
        }
    }
    let retry = Retry::new("test", config().attempt_timeout(WAIT));
    accrue_budget().await;
    let endings = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&endings);
    let inner = service_fn(move |_: Request<Body>| {
        let told = Told(Rc::clone(&seen));
        async move {
            let _told = told;
            std::future::pending::<Result<Response<TestBody>, BoxError>>().await
        }
    });
    let service = RetryLayer::client(&retry).layer(inner);
    let error = service.oneshot(get()).await.map(drop).unwrap_err();
    assert_eq!(*endings.borrow(), [Ending::Expired; 3]);
    let stopped = RetryStopped::find(&*error).unwrap();
    assert_eq!(stopped.attempts(), 3);
}

/// F20.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_never_retried_is_not_cloned() {
    struct Large(Rc<Cell<u32>>);
    impl Clone for Large {
        fn clone(&self) -> Self {
            self.0.set(self.0.get() + 1);
            Self(Rc::clone(&self.0))
        }
    }
    let clones = Rc::new(Cell::new(0));
    for (attempts, expected) in [(1, 0), (2, 1)] {
        clones.set(0);
        let retry = Retry::new("test", config().attempts(attempts));
        let inner = service_fn(|_: Large| async { Ok::<_, BoxError>(()) });
        let service = RetryLayer::new(&retry).layer(inner);
        service.oneshot(Large(Rc::clone(&clones))).await.unwrap();
        assert_eq!(clones.get(), expected);
    }
}
