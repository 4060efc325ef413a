//! A rejection releases what is reserved in inner layers, and marks the request as not processed.

use std::sync::{Arc, Mutex};

use ::http::Request;
use buttress_core::{Ending, Reason};
use buttress_testkit::{CountingWaker, TestBody};

use crate::support::{MS, Scene, config, pass, poll_ready};

#[test]
fn a_call_that_is_rejected_at_once_reserves_nothing_inside() {
    let scene = Scene::new(config(1, 0));
    let _inside = scene.call();
    let mut kept = scene.service.clone();
    let task = CountingWaker::new();
    assert!(poll_ready(&mut kept, &task).is_ready());
    assert_eq!(scene.probe.reserved(), 1);

    let spy = Spy::default();
    let mut refused = Box::pin(tower::Service::call(&mut kept, spy.request()));
    assert!(task.poll_future(refused.as_mut()).is_ready());
    assert_eq!(scene.probe.reserved(), 0, "the service is still usable");
    assert_eq!(spy.ending(), Some(Ending::Refused));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_ends_in_a_rejection_releases_everything() {
    let scene = Scene::new(config(1, 1).max_wait(MS));
    let _inside = scene.call();
    let spy = Spy::default();
    let mut waiting = scene.call_with(spy.request());
    assert_eq!((waiting.is_waiting(), spy.ending()), (true, None));
    let instances = scene.probe.alive();
    pass(2 * MS).await;
    waiting.poll();
    assert_eq!(waiting.reason(), Some(Reason::QueueTimeout));
    assert_eq!(spy.ending(), Some(Ending::Refused));
    assert_eq!(scene.probe.reserved(), 0);
    // The future still exists, and the service it waited with does not.
    assert_eq!(scene.probe.alive(), instances - 1);
}

#[test]
fn a_wait_that_ends_in_a_readiness_error_releases_everything() {
    let scene = Scene::new(config(1, 1));
    let inside = scene.call();
    let spy = Spy::default();
    let mut waiting = scene.call_with(spy.request());
    scene.probe.broken();
    inside.finish();
    waiting.poll();
    assert!(waiting.answer.as_ref().is_some_and(Result::is_err));
    assert_eq!(spy.ending(), Some(Ending::Refused));
    assert_eq!(scene.counts(), (0, 0));
}

#[test]
fn a_call_dropped_while_it_waits_is_not_rejected() {
    let scene = Scene::new(config(1, 1));
    let _inside = scene.call();
    let spy = Spy::default();
    drop(scene.call_with(spy.request()));
    assert_eq!(spy.ending(), Some(Ending::Abandoned));
}

/// Records why it was dropped. It is an extension of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spy(Arc<Mutex<Option<Ending>>>);

impl Spy {
    pub(crate) fn ending(&self) -> Option<Ending> {
        *self.0.lock().expect("no test panics while it is locked")
    }

    /// A request with this extension.
    pub(crate) fn request(&self) -> Request<TestBody> {
        let mut request = Request::new(TestBody::empty());
        request.extensions_mut().insert(Noted(Arc::clone(&self.0)));
        request
    }
}

#[derive(Clone)]
struct Noted(Arc<Mutex<Option<Ending>>>);

impl Drop for Noted {
    fn drop(&mut self) {
        *self.0.lock().expect("no test panics while it is locked") = Some(Ending::current());
    }
}
