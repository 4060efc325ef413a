//! A rejection releases what is reserved in inner layers, and an end by the deadline is marked as such.

use std::sync::{Arc, Mutex};
use std::task::Poll;

use buttress_core::{Ending, TaskContext};
use buttress_testkit::{CountingWaker, ReadyProbe, TestBody};
use http::Request;
use tower::{Layer, Service, service_fn};

use crate::support::{config, deadline, is_ready, millis, server};

#[tokio::test(start_paused = true)]
async fn a_late_call_reserves_nothing_inside() {
    let (inner, probe) = ReadyProbe::new();
    let mut service = server(config()).layer(inner);
    let task = CountingWaker::new();
    assert!(is_ready(&mut service, &task));
    assert_eq!(probe.reserved(), 1);

    let over = deadline(millis(1));
    tokio::time::advance(millis(2)).await;
    let spy = Spy::default();
    let mut context = TaskContext::default().with_deadline(over);
    let mut late = context.enter(|| Box::pin(service.call(spy.request())));
    assert!(matches!(
        task.poll_future(late.as_mut()),
        Poll::Ready(Err(_))
    ));
    assert_eq!(probe.reserved(), 0, "the service is still usable");
    assert_eq!(spy.ending(), Some(Ending::Refused));
    assert!(is_ready(&mut service, &task));
}

#[tokio::test(start_paused = true)]
async fn a_call_ended_by_its_deadline_is_dropped_as_expired() {
    let layer = server(config().timeout(millis(10)));
    let mut service = layer.layer(service_fn(|request: Request<TestBody>| async move {
        let _held = request;
        std::future::pending::<Result<http::Response<TestBody>, std::io::Error>>().await
    }));
    let task = CountingWaker::new();
    for (spent, ending) in [(1, Ending::Abandoned), (11, Ending::Expired)] {
        let spy = Spy::default();
        assert!(is_ready(&mut service, &task));
        let mut call = Box::pin(service.call(spy.request()));
        assert!(task.poll_future(call.as_mut()).is_pending());
        tokio::time::advance(millis(spent)).await;
        assert_eq!(task.poll_future(call.as_mut()).is_ready(), spent > 10);
        drop(call);
        assert_eq!(spy.ending(), Some(ending));
    }
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
