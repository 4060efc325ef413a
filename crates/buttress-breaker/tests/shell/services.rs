//! The bounds on inner services, and the types of a breaker.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use buttress_breaker::{Breaker, BreakerLayer, BreakerService, CircuitState};
use buttress_core::{BoxError, FailureKind, Rejection, Report};
use tower::util::BoxCloneService;
use tower::{Layer, Service, ServiceExt, layer::util::Stack, service_fn};

use crate::support::{breaker, config};

/// Defect CF6 of tower-resilience: the inner service must be `Clone + Send + 'static`. Tower requires none of these.
#[tokio::test(start_paused = true)]
async fn the_inner_service_needs_no_other_bounds() {
    let breaker = breaker();

    let boxed = BoxCloneService::new(service_fn(
        |n: u32| async move { Ok::<_, io::Error>(n + 1) },
    ));
    assert_eq!(layer(&breaker).layer(boxed).oneshot(1).await.unwrap(), 2);

    let local = Rc::new(Cell::new(0));
    let counted = Rc::clone(&local);
    let unsendable = service_fn(move |n: u32| {
        counted.set(counted.get() + n);
        let counted = Rc::clone(&counted);
        async move { Ok::<_, io::Error>(counted.get()) }
    });
    let answer = layer(&breaker).layer(unsendable).oneshot(1).await;
    assert_eq!(answer.unwrap(), 1);

    let text = String::from("borrowed");
    let borrowing = service_fn(|_: ()| {
        let text = &text;
        async move { Ok::<_, io::Error>(text.len()) }
    });
    assert_eq!(
        layer(&breaker).layer(borrowing).oneshot(()).await.unwrap(),
        8
    );
}

fn layer(breaker: &Breaker) -> BreakerLayer {
    BreakerLayer::new(breaker)
}

/// Defect CF4 of tower-resilience: whether a layer can be cloned depends on the request type.
#[test]
fn layers_and_services_are_clone_send_and_sync() {
    struct NotClone;
    fn clones<T: Clone + Send + Sync + 'static>(_: &T) {}

    let breaker = breaker();
    clones(&breaker);
    clones(&BreakerLayer::new(&breaker));
    clones(&BreakerLayer::client(&breaker));
    let classify = |_: &Result<NotClone, BoxError>| Report::SUCCESS;
    clones(&BreakerLayer::new(&breaker).classify(classify));
    clones(&BreakerLayer::new(&breaker).layer(()));
    clones(&Stack::new(layer(&breaker), layer(&breaker)));
}

/// Defect CF5 of tower-resilience: a response can be a failure only if the error is `Infallible`.
#[tokio::test(start_paused = true)]
async fn a_classifier_sees_responses_and_errors_of_any_service() {
    let breaker = breaker();
    let mut service = BreakerLayer::new(&breaker)
        .classify(|result: &Result<u16, BoxError>| match result {
            Ok(500..) => Report::failure(FailureKind::Error),
            Err(error) if error.is::<io::Error>() => Report::failure(FailureKind::Transport),
            _ => Report::SUCCESS,
        })
        .layer(service_fn(|status: u16| async move {
            match status {
                0 => Err(io::Error::from(io::ErrorKind::Other)),
                status => Ok(status),
            }
        }));
    assert_eq!(ask(&mut service, 503).await.unwrap(), 503);
    ask(&mut service, 0).await.unwrap_err();
    assert_eq!(breaker.snapshot().consecutive_failures, 2);
    ask(&mut service, 404).await.unwrap();
    assert_eq!(breaker.snapshot().consecutive_failures, 0);
}

/// Defect CF8 of tower-resilience: the classifier must name the error types of all inner layers, and no longer
/// compiles if one is added. Here every error is a `BoxError` with its source.
#[tokio::test(start_paused = true)]
async fn a_classifier_compiles_with_another_inner_layer() {
    fn classify(result: &Result<(), BoxError>) -> Report {
        match result {
            Err(error) if Rejection::find(&**error).is_some() => Report::IGNORED,
            Err(_) => Report::failure(FailureKind::Error),
            Ok(()) => Report::SUCCESS,
        }
    }
    let outer = breaker();
    let inner = Breaker::new("inner", config());
    let dependency = service_fn(|()| async { Err::<(), _>(io::Error::other("down")) });
    let mut alone = BreakerLayer::new(&outer)
        .classify(classify)
        .layer(dependency);
    ask(&mut alone, ()).await.unwrap_err();
    let mut stacked = BreakerLayer::new(&outer)
        .classify(classify)
        .layer(BreakerLayer::new(&inner).layer(dependency));
    let error = ask(&mut stacked, ()).await.unwrap_err();
    assert_eq!(error.downcast::<io::Error>().unwrap().to_string(), "down");
    assert_eq!(outer.snapshot().consecutive_failures, 2);
    assert_eq!(inner.snapshot().consecutive_failures, 1);
}

/// A rejection by an inner layer of Buttress does not count for an outer one.
#[tokio::test(start_paused = true)]
async fn a_rejection_by_an_inner_breaker_is_ignored_by_an_outer_one() {
    let outer = Breaker::new("outer", config());
    let inner = Breaker::new("inner", config());
    let dependency = service_fn(|()| async { Ok::<_, io::Error>(()) });
    let mut service = BreakerLayer::new(&outer).layer(BreakerLayer::new(&inner).layer(dependency));
    inner.trip();
    for _ in 0..10 {
        let error = ask(&mut service, ()).await.unwrap_err();
        assert_eq!(Rejection::find(&*error).unwrap().layer(), "inner");
    }
    assert_eq!(outer.state(), CircuitState::Closed);
    assert_eq!(outer.snapshot().counts.calls, 0);
}

#[test]
fn a_service_returns_its_inner_service() {
    let breaker = breaker();
    let mut service: BreakerService<u8> = layer(&breaker).layer(7);
    *service.get_mut() += 1;
    assert_eq!(*service.get_ref(), 8);
    assert_eq!(service.breaker().name(), "test");
    assert_eq!(service.into_inner(), 8);
}

async fn ask<S, Req>(service: &mut S, request: Req) -> Result<S::Response, S::Error>
where
    S: Service<Req>,
{
    service.ready().await?.call(request).await
}
