//! The bounds on inner services, and the types of a layer.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use buttress_deadline::{
    ClientDeadlineConfig, DeadlineConfig, DeadlineLayer, DeadlineService, Deadlines,
};
use tower::layer::util::Stack;
use tower::util::BoxCloneService;
use tower::{Layer, service_fn};

use crate::support::{call, config, millis, plain, server};

#[tokio::test(start_paused = true)]
async fn the_inner_service_needs_only_clone() {
    let layer = plain(config().timeout(millis(100)));

    let boxed = BoxCloneService::new(service_fn(
        |n: u32| async move { Ok::<_, io::Error>(n + 1) },
    ));
    assert_eq!(call(layer.layer(boxed), 1).await.unwrap(), 2);

    let local = Rc::new(Cell::new(0));
    let counted = Rc::clone(&local);
    let unsendable = service_fn(move |n: u32| {
        counted.set(counted.get() + n);
        let counted = Rc::clone(&counted);
        async move { Ok::<_, io::Error>(counted.get()) }
    });
    assert_eq!(call(layer.layer(unsendable), 1).await.unwrap(), 1);
}

#[test]
fn layers_and_services_are_clone_send_and_sync() {
    fn clones<T: Clone + Send + Sync + 'static>(_: &T) {}

    clones(&plain(config()));
    clones(&server(config()));
    clones(&DeadlineLayer::client(&Deadlines::default()));
    clones(&plain(config()).layer(()));
    clones(&Stack::new(
        DeadlineLayer::client(&Deadlines::default()),
        DeadlineLayer::client(&Deadlines::default()),
    ));
}

#[test]
fn a_service_returns_its_inner_service() {
    let mut service: DeadlineService<u8> = plain(config()).layer(7);
    *service.get_mut() += 1;
    assert_eq!(*service.get_ref(), 8);
    assert_eq!(service.into_inner(), 8);
}

#[test]
fn the_error_of_an_invalid_configuration_names_the_field() {
    let zero = Duration::ZERO;
    let refused = |config: DeadlineConfig| {
        let error = Deadlines::try_new("test", config).unwrap_err();
        let deadlines = Deadlines::<DeadlineConfig>::default();
        assert_eq!(deadlines.reconfigure(config), Err(error.clone()));
        assert_eq!(deadlines.config(), DeadlineConfig::default());
        error.field()
    };
    assert_eq!(refused(config().timeout(zero)), "timeout");
    assert_eq!(refused(config().maximum(zero)), "maximum");
    assert_eq!(refused(config().head_timeout(zero)), "head_timeout");
    assert_eq!(refused(config().body_idle(zero)), "body_idle");
    assert_eq!(
        refused(config().body_timeout(Duration::MAX)),
        "body_timeout"
    );
    let client = ClientDeadlineConfig::default().timeout(millis(2));
    assert_eq!(
        Deadlines::try_new("test", client).unwrap_err().field(),
        "timeout"
    );
}

#[test]
#[should_panic = "timeout is 0ns, but must be more than 0 and at most a year"]
fn new_panics_on_an_invalid_configuration() {
    let _ = Deadlines::new("test", config().timeout(Duration::ZERO));
}
