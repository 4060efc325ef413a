//! Defects of other injectors, each as it was reproduced.
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use buttress::chaos::{Answer, Bounds, ChaosService, HttpCalls, Latency};
use buttress::prelude::*;
use buttress_testkit::CountingWaker;
use http::{Request, Response};
use http_body_util::Empty;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt, service_fn};

const REQUESTS: usize = 400;

/// C01 of tower-resilience: with one seed, six runs on four threads had six different sets of failed requests,
/// because all threads use one generator.
#[test]
fn the_same_requests_fail_on_any_number_of_threads() {
    let mut runs = Vec::new();
    for threads in [1, 2, 4, 4, 4, 8] {
        let injector = armed("chaos", Fault::Answer(Answer::Error), 30);
        let barrier = Arc::new(Barrier::new(threads));
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let (service, barrier) = (behind(&injector), Arc::clone(&barrier));
                std::thread::spawn(move || {
                    barrier.wait();
                    let mine = (0..REQUESTS).filter(|n| n % threads == worker);
                    mine.filter(|n| at_once(&service, Some(*n)).is_err())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let failed: BTreeSet<_> = workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect();
        runs.push(failed);
    }
    assert!((60..180).contains(&runs[0].len()), "{}", runs[0].len());
    assert!(runs.iter().all(|run| *run == runs[0]));
}

/// C02: it draws at the first poll, so the order of polls decides which calls fail.
#[test]
fn the_order_of_polls_does_not_decide_which_calls_are_affected() {
    let failed = |order: fn(usize) -> usize| {
        let injector = armed("chaos", Fault::Answer(Answer::Error), 30);
        let mut service = behind(&injector);
        let waker = CountingWaker::new();
        // None of them has an identity: each is identified by its number.
        let calls = (0..REQUESTS).map(|_| Some(Box::pin(service.call(request(None)))));
        let mut calls: Vec<_> = calls.collect();
        let polled = (0..REQUESTS).map(order).filter(|turn| {
            let mut call = calls[*turn].take().unwrap();
            match waker.poll_future(call.as_mut()) {
                std::task::Poll::Ready(answer) => answer.is_err(),
                std::task::Poll::Pending => panic!("no call is pending"),
            }
        });
        polled.collect::<BTreeSet<_>>()
    };
    let in_order = failed(|turn| turn);
    assert!((60..180).contains(&in_order.len()));
    assert_eq!(failed(|turn| REQUESTS - 1 - turn), in_order);
    assert_eq!(failed(|turn| (turn * 7) % REQUESTS), in_order);
}

/// C03: a delay below a millisecond has no effect.
#[tokio::test(start_paused = true)]
async fn a_delay_below_a_millisecond_is_kept() {
    let delay = Duration::from_micros(300);
    let injector = armed("chaos", Fault::Delay(Latency::Fixed(delay)), 100);
    let began = Instant::now();
    behind(&injector).oneshot(request(None)).await.unwrap();
    assert!(began.elapsed() >= delay, "{:?}", began.elapsed());

    let drawn: BTreeSet<_> = (0..100)
        .map(|n| {
            let uniform = Latency::Uniform {
                least: Duration::ZERO,
                most: Duration::from_micros(900),
            };
            uniform.sample(u64::MAX / 100 * n)
        })
        .collect();
    assert_eq!(drawn.len(), 100, "each a delay of its own: {drawn:?}");
}

/// C04: two services of one layer have the same sequence, in 1000 of 1000 calls: a fault of half of all calls affects
/// the same half of both.
#[test]
fn two_services_do_not_have_the_same_sequence() {
    let sequence = |service: &Stack| -> Vec<_> {
        let calls = (0..REQUESTS).map(|_| at_once(service, None).is_err());
        calls.collect()
    };
    let agree = |one: &[bool], two: &[bool]| one.iter().zip(two).filter(|(a, b)| a == b).count();
    let one_layer = armed("chaos", Fault::Answer(Answer::Error), 50);
    let (one, two) = (behind(&one_layer), behind(&one_layer));
    let same = agree(&sequence(&one), &sequence(&two));
    assert!((140..260).contains(&same), "{same} of {REQUESTS}");

    // Nor do two injectors with one plan and different names.
    let [one, two] = ["database", "cache"]
        .map(|name| sequence(&behind(&armed(name, Fault::Answer(Answer::Error), 50))));
    let same = agree(&one, &two);
    assert!((140..260).contains(&same), "{same} of {REQUESTS}");
    let again = sequence(&behind(&armed(
        "database",
        Fault::Answer(Answer::Error),
        50,
    )));
    assert_eq!(again, one, "each sequence is reproducible");
}

/// Envoy compares the number of active faults first and counts later, so a burst exceeds `max_active_faults`.
#[test]
fn the_maximum_of_affected_calls_is_exact_in_any_burst() {
    const MOST: u64 = 10;
    let bounds = Bounds::default().max_active(MOST as u32);
    let hang = PlannedFault::new("hang", Fault::Answer(Answer::Hang));
    let injector = disarmed("chaos");
    injector
        .arm(Plan::new(7).fault(hang).bounds(bounds))
        .unwrap();
    for round in 0..50 {
        let barrier = Arc::new(Barrier::new(4));
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let (mut service, barrier) = (behind(&injector), Arc::clone(&barrier));
                std::thread::spawn(move || {
                    barrier.wait();
                    (0..16)
                        .map(|_| service.call(request(None)))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let calls: Vec<_> = workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect();
        assert_eq!(injector.snapshot().active, MOST, "round {round}");
        drop(calls);
        assert_eq!(injector.snapshot().active, 0, "round {round}");
    }
    assert_eq!(injector.snapshot().affected, 50 * MOST);
}

type Answered = std::future::Ready<Result<Response<Empty<bytes::Bytes>>, Infallible>>;
type Stack = ChaosService<tower::util::ServiceFn<fn(Request<()>) -> Answered>, HttpCalls>;

fn behind(injector: &Injector) -> Stack {
    let answer: fn(Request<()>) -> Answered =
        |_| std::future::ready(Ok(Response::new(Empty::new())));
    ChaosLayer::client(injector).layer(service_fn(answer))
}

fn disarmed(name: &'static str) -> Injector {
    Injector::new(name, InjectorConfig::default().kill_variable(None))
}

fn armed(name: &'static str, fault: Fault, percent: u8) -> Injector {
    let injector = disarmed(name);
    let fault = PlannedFault::new("fault", fault).rate(Ratio::percent(percent));
    let bounds = Bounds::default().max_active(1_000_000);
    injector
        .arm(Plan::new(7).fault(fault).bounds(bounds))
        .unwrap();
    injector
}

fn request(number: Option<usize>) -> Request<()> {
    let request = Request::get("/");
    match number {
        Some(number) => request.header("x-request-id", format!("r-{number}")),
        None => request,
    }
    .body(())
    .unwrap()
}

fn at_once(service: &Stack, number: Option<usize>) -> Result<(), BoxError> {
    let call = std::pin::pin!(service.clone().oneshot(request(number)));
    match CountingWaker::new().poll_future(call) {
        std::task::Poll::Ready(answer) => answer.map(drop),
        std::task::Poll::Pending => panic!("no call is pending"),
    }
}
