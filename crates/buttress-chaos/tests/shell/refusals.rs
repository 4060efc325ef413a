//! An injected response releases what is reserved in inner layers, and looks like a response of the service.

use std::sync::{Arc, Mutex};

use buttress_chaos::{Answer, ChaosLayer};
use buttress_core::Ending;
use buttress_testkit::{CountingWaker, ReadyProbe, TestBody};
use http::Request;
use tower::{Layer, Service};

use crate::support::{answer, injector};

#[tokio::test(start_paused = true)]
async fn an_injected_response_reserves_nothing_inside_and_is_not_a_rejection() {
    for what in [
        Answer::Status(503),
        Answer::Abort,
        Answer::Error,
        Answer::Hang,
    ] {
        let injector = injector();
        injector.arm(answer(what)).unwrap();
        let (inner, probe) = ReadyProbe::new();
        let mut service = ChaosLayer::client(&injector).layer(inner);
        let task = CountingWaker::new();
        let ready = task.poll(|cx| Service::<Request<TestBody>>::poll_ready(&mut service, cx));
        assert!(ready.is_ready());
        assert_eq!(probe.reserved(), 1);
        let spy = Spy::default();
        let _answered = service.call(spy.request());
        assert_eq!((probe.reserved(), probe.calls()), (0, 0));
        assert_eq!(spy.ending(), Some(Ending::Abandoned));
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
