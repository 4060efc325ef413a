//! The strict pieces, each by itself.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;

use buttress_testkit::{
    CallId, CountingWaker, Gate, Gauge, ReadyProbe, Script, TestBody, TestError,
};
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use tower::Service;

type Call = Request<TestBody>;

fn request() -> Call {
    Request::new(TestBody::empty())
}

fn is_ready(service: &mut ReadyProbe, task: &CountingWaker) -> bool {
    let readiness = task.poll(|cx| Service::<Call>::poll_ready(service, cx));
    matches!(readiness, Poll::Ready(Ok(())))
}

#[test]
fn a_call_of_an_unready_instance_panics_and_is_counted() {
    let (mut service, probe) = ReadyProbe::new();
    let task = CountingWaker::new();
    assert!(is_ready(&mut service, &task));
    let mut clone = service.clone();
    assert!(catch_unwind(AssertUnwindSafe(|| clone.call(request()))).is_err());
    assert_eq!((probe.unready_calls(), probe.calls()), (1, 0));
}

#[test]
fn readiness_is_used_up_by_a_call_and_given_back_by_a_drop() {
    let (mut service, probe) = ReadyProbe::new();
    let task = CountingWaker::new();
    assert!(is_ready(&mut service, &task));
    assert!(is_ready(&mut service, &task));
    assert_eq!(probe.reserved(), 1);
    drop(service.call(request()));
    assert_eq!(probe.reserved(), 0);

    let mut clone = service.clone();
    assert!(is_ready(&mut clone, &task));
    drop(clone);
    assert_eq!(probe.reserved(), 0);
    assert_eq!(probe.readied(), [0, 1]);
    assert_eq!(probe.called(), [0]);
}

#[test]
fn only_the_latest_waker_of_an_instance_is_woken() {
    let (mut service, probe) = ReadyProbe::new();
    let (first, second) = (CountingWaker::new(), CountingWaker::new());
    probe.not_ready();
    assert!(!is_ready(&mut service, &first));
    assert!(!is_ready(&mut service, &second));
    probe.ready();
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
}

#[test]
fn stalled_instances_stay_unready_while_others_are_ready() {
    let (mut service, probe) = ReadyProbe::new();
    let task = CountingWaker::new();
    probe.stall(0..1);
    assert!(!is_ready(&mut service, &task));
    assert!(is_ready(&mut service.clone(), &task));
}

#[test]
fn a_held_call_ends_when_it_is_released_and_not_before() {
    let (mut service, probe) = ReadyProbe::new();
    let task = CountingWaker::new();
    probe.hold();
    assert!(is_ready(&mut service, &task));
    let mut held = request();
    held.extensions_mut().insert(CallId(7));
    let mut future = pin!(service.call(held));
    assert!(task.poll_future(future.as_mut()).is_pending());
    assert_eq!((probe.in_flight(), probe.attempts(CallId(7))), (1, 1));
    probe.release(CallId(7));
    assert_eq!(task.wakes(), 1);
    assert!(task.poll_future(future).is_ready());
    assert_eq!(probe.in_flight(), 0);
}

#[test]
fn an_open_body_is_counted_until_its_last_frame() {
    let (mut service, probe) = ReadyProbe::new();
    let task = CountingWaker::new();
    let body = TestBody::empty().data("a").trailer("grpc-status", "0");
    probe.script(Script::new().ok(Response::new(body)));
    assert!(is_ready(&mut service, &task));
    let answer = task.poll_future(pin!(service.call(request())));
    let Poll::Ready(Ok(response)) = answer else {
        panic!("the script answers at once");
    };
    let mut body = response.into_body();
    assert_eq!(probe.open_bodies(), 1);
    assert!(task.poll_future(pin!(body.frame())).is_ready());
    assert_eq!(probe.open_bodies(), 1);
    assert!(task.poll_future(pin!(body.frame())).is_ready());
    assert_eq!(probe.open_bodies(), 0);
}

#[test]
fn a_script_plays_every_step() {
    let (task, gate) = (CountingWaker::new(), Gate::new());
    let mut future = pin!(
        Script::new()
            .pending(1)
            .wait(&gate)
            .ok("done")
            .into_future()
    );
    assert!(task.poll_future(future.as_mut()).is_pending());
    assert_eq!(task.wakes_in_own_poll(), 1);
    assert!(task.poll_future(future.as_mut()).is_pending());
    assert_eq!(task.wakes(), 1);
    gate.open();
    assert_eq!(task.wakes(), 2);
    assert_eq!(task.poll_future(future), Poll::Ready(Ok("done")));
}

#[test]
fn a_script_panics_where_it_says() {
    let task = CountingWaker::new();
    let mut future = Box::pin(Script::<()>::new().panic().panic_in_drop().into_future());
    let poll = || task.poll_future(future.as_mut());
    assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(future))).is_err());
    let call = || Script::<()>::new().panic_in_call().into_future();
    assert!(catch_unwind(call).is_err());
}

#[test]
fn a_body_breaks_off_where_it_says() {
    let task = CountingWaker::new();
    let mut body = TestBody::empty().data("a").err("broken off").data("never");
    let mut poll = || task.poll(|cx| Pin::new(&mut body).poll_frame(cx));
    assert!(matches!(poll(), Poll::Ready(Some(Ok(_)))));
    let Poll::Ready(Some(Err(error))) = poll() else {
        panic!("an error comes second");
    };
    assert_eq!(error, TestError::new("broken off"));
    assert!(matches!(poll(), Poll::Ready(None)));
}

#[test]
fn a_body_that_declares_a_length_sticks_to_it() {
    let task = CountingWaker::new();
    let mut body = TestBody::empty().data("abc").data("d").declare(10);
    assert_eq!(body.size_hint().exact(), Some(10));
    assert!(task.poll_future(pin!(body.frame())).is_ready());
    assert_eq!(body.size_hint().exact(), Some(7));
}

#[test]
fn the_clone_of_a_counted_body_is_counted() {
    let gauge = Gauge::default();
    let body = TestBody::empty().data("a").counted(&gauge);
    let clone = body.clone();
    assert_eq!(gauge.now(), 2);
    drop((body, clone));
    assert_eq!((gauge.now(), gauge.peak()), (0, 2));
}

#[test]
fn a_waker_that_is_kept_is_found() {
    let (task, gate) = (CountingWaker::new(), Gate::new());
    assert!(task.poll(|cx| gate.poll(cx)).is_pending());
    assert_eq!(task.kept(), 1);
    drop(gate);
    assert_eq!(task.kept(), 0);
}
