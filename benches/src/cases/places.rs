//! Slots: bulkhead and shedder, free and full.

use std::future::{Pending, pending};
use std::hint::black_box;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use buttress::prelude::*;
use buttress::shed::ThrottleConfig;
use buttress_core::queue::WaitParams;
use buttress_core::shed::{Admission, Call, Shed};
use buttress_core::{Report, bulkhead};
use tower::{Layer, Service};

use super::bare::{BOX, ECHO, Echo, PAGE, Page};
use super::rules::Clock;
use crate::case::Case;
use crate::target::Target;

type Request = http::Request<()>;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::service::<_, u64>("bulkhead, free", || bulkhead(config()).layer(Echo))
            .over(ECHO)
            .target(Target::at_most(130, 0))
            .scaling_within(2.5),
        Case::service::<_, u64>("bulkhead, free, Prometheus recorder", || {
            bulkhead(config()).layer(Echo)
        })
        .over(ECHO)
        .with_recorder(),
        Case::service::<_, u64>("bulkhead, full", || {
            let bulkhead = Bulkhead::new("bench", config().limit(1));
            fill(BulkheadLayer::new(&bulkhead).layer(Never));
            BulkheadLayer::new(&bulkhead).layer(Echo)
        })
        .over(BOX)
        .failing()
        .contended(),
        Case::service::<_, u64>("bulkhead off", || {
            bulkhead(config().mode(Mode::Off)).layer(Echo)
        })
        .over(ECHO),
        Case::service::<_, u64>("bulkhead, free, partitions", || {
            let shares = PartitionsConfig::default().share("a", Ratio::HALF);
            let layer = bulkhead(config().partitions(shares));
            layer.key(|_: &u64| "a".into()).layer(Echo)
        })
        .over(ECHO),
        Case::service::<_, Request>("bulkhead http, free", || {
            BulkheadLayer::server(&Bulkhead::new("bench", config())).layer(Page)
        })
        .over(PAGE),
        Case::service::<_, u64>("shed, admitting", || {
            shed(ShedConfig::default()).layer(Echo)
        })
        .over(ECHO)
        .target(Target::at_most(200, 0))
        .scaling_within(2.5),
        Case::service::<_, u64>("shed, admitting, a fixed limit", || {
            shed(ShedConfig::default().limit(64)).layer(Echo)
        })
        .over(ECHO)
        .target(Target::at_most(200, 0)),
        Case::service::<_, u64>("shed, admitting, throttled", || {
            let throttle = ThrottleConfig::default();
            shed(ShedConfig::default().no_limit().throttle(throttle)).layer(Echo)
        })
        .over(ECHO),
        Case::service::<_, u64>("shed, full", || {
            let config = ShedConfig::default().limit(1).queue(0);
            let shedder = Shedder::new("bench", config);
            fill(ShedLayer::new(&shedder).layer(Never));
            ShedLayer::new(&shedder).layer(Echo)
        })
        .over(BOX)
        .failing(),
        Case::service::<_, Request>("shed http, admitting", || {
            ShedLayer::server(&Shedder::new("bench", ShedConfig::default())).layer(Page)
        })
        .over(PAGE),
    ]
}

/// The rules of bulkhead and shedder.
pub(super) fn rules() -> Vec<Case> {
    vec![
        Case::rule("bulkhead: acquire and release", || {
            let clock = Clock::start();
            let config = config();
            let bulkhead = bulkhead::Bulkhead::new(config, clock.now()).expect("valid");
            // The first call takes slots under the lock, and puts some of them where the next calls look.
            let now = clock.now();
            let first = bulkhead.acquire(|| 0, WaitParams::default, || now);
            let bulkhead::Admission::Admitted { permit, .. } = first else {
                panic!("a slot is free");
            };
            bulkhead.release(permit, || now);
            move || {
                let permit = black_box(&bulkhead).try_acquire();
                bulkhead.release(permit.expect("a slot is free"), || now);
            }
        }),
        // In the overhead bench the rate is so high that one of 128 calls is sampled.
        Case::rule("shed: a call that is a sample", || {
            let mut clock = Clock::start();
            let shed = Shed::new(ShedConfig::default(), 7, clock.now()).expect("valid");
            move || {
                let now = clock.tick();
                let admission = black_box(&shed).admit(Call::default(), || 0, || now);
                let Admission::Admitted { mut permit, .. } = admission else {
                    panic!("a slot is free");
                };
                shed.settle(&mut permit, Report::SUCCESS, || now);
                shed.release(permit, || now);
            }
        }),
    ]
}

fn config() -> BulkheadConfig {
    BulkheadConfig::default().max_wait(Duration::from_millis(50))
}

fn bulkhead(config: BulkheadConfig) -> BulkheadLayer {
    BulkheadLayer::new(&Bulkhead::new("bench", config))
}

fn shed(config: ShedConfig) -> ShedLayer {
    ShedLayer::new(&Shedder::new("bench", config))
}

/// Makes a call that never ends, and keeps its slot.
fn fill(mut service: impl Service<u64, Error = BoxError>) {
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(service.poll_ready(cx).is_ready());
    std::mem::forget(service.call(0));
}

/// Never responds.
#[derive(Debug, Clone, Copy)]
struct Never;

impl Service<u64> for Never {
    type Response = u64;
    type Error = BoxError;
    type Future = Pending<Result<u64, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: u64) -> Self::Future {
        pending()
    }
}
