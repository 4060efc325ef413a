//! A rejection releases what is reserved in inner layers, and marks the request as not processed.

use std::sync::{Arc, Mutex};
use std::task::Poll;

use ::http::Request;
use buttress_core::Ending;
use buttress_testkit::{CountingWaker, TestBody};
use tower::Service;

use crate::support::{behind, shedder, slow};

#[test]
fn a_call_that_is_rejected_at_once_reserves_nothing_inside() {
    let shedder = shedder(1, 0);
    let (mut service, probe) = behind(&shedder);
    probe.script(slow(100));
    let task = CountingWaker::new();
    let ready = |service: &mut _| {
        let polled: Poll<Result<(), _>> =
            task.poll(|cx| Service::<Request<TestBody>>::poll_ready(service, cx));
        assert!(polled.is_ready());
    };
    ready(&mut service);
    let _inside = service.call(Request::new(TestBody::empty()));
    ready(&mut service);
    assert_eq!(probe.reserved(), 1);

    let spy = Spy::default();
    let mut refused = Box::pin(service.call(spy.request()));
    assert!(matches!(
        task.poll_future(refused.as_mut()),
        Poll::Ready(Err(_))
    ));
    assert_eq!(probe.reserved(), 0, "the service is still usable");
    assert_eq!(spy.ending(), Some(Ending::Refused));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_ends_in_a_rejection_releases_everything() {
    let shedder = shedder(1, 1);
    let (mut service, probe) = behind(&shedder);
    probe.script(slow(100));
    let task = CountingWaker::new();
    let ready = |service: &mut _| {
        assert!(
            task.poll(|cx| Service::<Request<TestBody>>::poll_ready(service, cx))
                .is_ready()
        );
    };
    ready(&mut service);
    let _inside = service.call(Request::new(TestBody::empty()));
    ready(&mut service);
    let spy = Spy::default();
    let mut waiting = Box::pin(service.call(spy.request()));
    assert!(task.poll_future(waiting.as_mut()).is_pending());
    assert_eq!((probe.reserved(), spy.ending()), (0, None));
    let instances = probe.alive();
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    assert!(matches!(
        task.poll_future(waiting.as_mut()),
        Poll::Ready(Err(_))
    ));
    assert_eq!(spy.ending(), Some(Ending::Refused));
    // The future still exists, and the service it waited with does not.
    assert_eq!(probe.alive(), instances - 1);
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
