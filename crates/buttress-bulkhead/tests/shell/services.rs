//! The bounds on inner services, and the number of limits of a handle: one.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use buttress_bulkhead::{Bulkhead, BulkheadLayer, BulkheadService};
use buttress_core::{BoxError, Reason, Rejection};
use tower::util::{BoxCloneService, BoxCloneSyncService};
use tower::{Layer, ServiceExt, layer::util::Stack, service_fn};

use crate::support::{config, reason};

fn bulkhead() -> Bulkhead {
    Bulkhead::new("test", config(1, 1))
}

/// The service needs only `Clone`, because a waiter waits with a clone: not `Send`, not `'static`, and no nameable
/// type.
#[tokio::test(start_paused = true)]
async fn the_inner_service_needs_only_clone() {
    let bulkhead = bulkhead();
    let layer = BulkheadLayer::new(&bulkhead);
    let plus_one = service_fn(|n: u32| async move { Ok::<_, io::Error>(n + 1) });

    let boxed = BoxCloneService::new(plus_one);
    assert_eq!(layer.layer(boxed).oneshot(1).await.unwrap(), 2);
    let boxed = BoxCloneSyncService::new(plus_one);
    assert_eq!(layer.layer(boxed).oneshot(1).await.unwrap(), 2);

    let local = Rc::new(Cell::new(0));
    let counted = Rc::clone(&local);
    let unsendable = service_fn(move |n: u32| {
        counted.set(counted.get() + n);
        let counted = Rc::clone(&counted);
        async move { Ok::<_, io::Error>(counted.get()) }
    });
    assert_eq!(layer.layer(unsendable).oneshot(1).await.unwrap(), 1);

    let text = String::from("borrowed");
    let borrowing = service_fn(|_: ()| {
        let text = &text;
        async move { Ok::<_, io::Error>(text.len()) }
    });
    assert_eq!(layer.layer(borrowing).oneshot(()).await.unwrap(), 8);
}

/// A boxed service waits, is dropped, and is served like any other.
#[tokio::test(start_paused = true)]
async fn a_call_of_a_boxed_service_waits_in_the_queue() {
    let bulkhead = bulkhead();
    let slow = service_fn(|n: u32| async move {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Ok::<_, io::Error>(n)
    });
    let service = BulkheadLayer::new(&bulkhead).layer(BoxCloneService::new(slow));
    let boxed = BoxCloneService::new(service);
    let calls = [1, 2, 3].map(|n| tokio::spawn(boxed.clone().oneshot(n)));
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    assert_eq!(answers[0].as_ref().ok(), Some(&1));
    assert_eq!(answers[1].as_ref().ok(), Some(&2));
    assert_eq!(reason(&answers[2]), Some(Reason::BulkheadFull));
}

#[test]
fn layers_and_services_are_clone_send_and_sync() {
    fn clones<T: Clone + Send + Sync + 'static>(_: &T) {}

    let bulkhead = bulkhead();
    clones(&bulkhead);
    let layer = BulkheadLayer::new(&bulkhead);
    clones(&layer);
    clones(&BulkheadLayer::server(&bulkhead));
    clones(&layer.layer(()));
    clones(&Stack::new(layer.clone(), layer));
}

/// Defects A01, A02, A03 of tower-resilience, and of tower's `ConcurrencyLimitLayer`: each call of `layer` creates
/// its own limit, and a server calls it for each connection, route, or even request.
#[tokio::test(start_paused = true)]
async fn all_layers_of_one_bulkhead_share_one_limit() {
    let bulkhead = Bulkhead::new("test", config(1, 0));
    let hangs = service_fn(|()| std::future::pending::<Result<(), io::Error>>());
    let mut inside = 0;
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let layer = BulkheadLayer::new(&bulkhead);
            let mut call = Box::pin(layer.layer(hangs).oneshot(()));
            let task = buttress_testkit::CountingWaker::new();
            inside += usize::from(task.poll_future(call.as_mut()).is_pending());
            call
        })
        .collect();
    assert_eq!(inside, 1);
    drop(calls);
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn errors_pass_unchanged_and_a_rejection_names_its_layer() {
    let outer = Bulkhead::new("outer", config(2, 0));
    let inner = Bulkhead::new("inner", config(1, 0));
    let fails = service_fn(|hangs: bool| async move {
        if hangs {
            std::future::pending::<()>().await;
        }
        Err::<(), _>(io::Error::other("down"))
    });
    let service = BulkheadLayer::new(&outer).layer(BulkheadLayer::new(&inner).layer(fails));
    let error: BoxError = service.clone().oneshot(false).await.unwrap_err();
    assert_eq!(error.downcast::<io::Error>().unwrap().to_string(), "down");

    let mut hanging = Box::pin(service.clone().oneshot(true));
    let task = buttress_testkit::CountingWaker::new();
    assert!(task.poll_future(hanging.as_mut()).is_pending());
    let error = service.clone().oneshot(false).await.unwrap_err();
    assert_eq!(Rejection::find(&*error).unwrap().layer(), "inner");
    // A rejection by the inner one releases the outer slot.
    assert_eq!(outer.snapshot().in_flight, 1);
}

#[test]
fn a_service_returns_its_inner_service() {
    let bulkhead = bulkhead();
    let mut service: BulkheadService<u8> = BulkheadLayer::new(&bulkhead).layer(7);
    *service.get_mut() += 1;
    assert_eq!(*service.get_ref(), 8);
    assert_eq!(service.bulkhead().name(), "test");
    assert_eq!(service.into_inner(), 8);
}
