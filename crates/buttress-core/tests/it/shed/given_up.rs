use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use buttress_core::limit::LimitConfig;
use buttress_core::queue::Order;
use buttress_core::shed::{Admission, Call, Permit, Shed, ShedConfig};
use buttress_core::{Ending, Report};

const MS: Duration = Duration::from_millis(1);

/// A shedder that has learned that calls take 10 ms, and its clock.
pub(crate) struct Scene {
    pub(crate) shed: Shed,
    pub(crate) now: Instant,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let config = ShedConfig::default()
            .limit(LimitConfig::aimd(Duration::from_secs(60)).initial(20))
            .queue(1_000)
            .max_wait(None)
            .order(Order::Fifo)
            .margin(Duration::ZERO);
        let now = Instant::now();
        let shed = Shed::new(config, 7, now).expect("valid");
        let mut scene = Self { shed, now };
        for _ in 0..500 {
            let mut permit = scene.enter();
            scene.now += 10 * MS;
            scene
                .shed
                .settle(&mut permit, Report::SUCCESS, || scene.now);
            scene.shed.release(permit, || scene.now);
        }
        scene
    }

    pub(crate) fn enter(&self) -> Permit {
        match self.shed.admit(Call::default(), || 0, || self.now) {
            Admission::Admitted { permit, .. } => permit,
            other => panic!("{other:?}"),
        }
    }

    /// Fills all slots a hundred times with calls that waited for `waited` and are cancelled after `inside`.
    fn give_up_on_calls(&mut self, waited: Duration, inside: Duration) {
        for _ in 0..100 {
            let before: Vec<_> = (0..self.shed.limit()).map(|_| self.enter()).collect();
            let calls: Vec<_> = before
                .iter()
                .map(|_| self.shed.admit(Call::default(), || 0, || self.now))
                .collect();
            self.now += waited;
            for mut permit in before {
                self.shed.settle(&mut permit, Report::IGNORED, || self.now);
                self.shed.release(permit, || self.now);
            }
            let mut permits = Vec::new();
            for call in calls {
                let Admission::Waiting(waiter) = call else {
                    panic!("all places were taken")
                };
                match self.shed.poll(&waiter, Waker::noop(), || 0, || self.now) {
                    Poll::Ready(Ok(permit)) => permits.push(permit),
                    // The limit was lowered in the meantime.
                    _ => self.shed.leave(waiter, || self.now),
                }
            }
            self.now += inside;
            for mut permit in permits {
                let ending = Ending::Expired;
                self.shed.release_in_place(&mut permit, ending, || self.now);
            }
        }
    }
}

/// The callers had no time left for the call itself. A lower limit would make later calls wait even longer, until no
/// call is served any more.
#[test]
fn a_call_that_queued_longer_than_it_ran_does_not_lower_the_limit() {
    let mut scene = Scene::new();
    let before = scene.shed.limit();
    scene.give_up_on_calls(400 * MS, 100 * MS);
    assert_eq!(scene.shed.limit(), before);
}

#[test]
fn a_call_that_waited_for_the_service_lowers_the_limit() {
    let mut scene = Scene::new();
    scene.give_up_on_calls(MS, 100 * MS);
    assert!(scene.shed.limit() <= 2, "{}", scene.shed.limit());
}

/// Calls that take twice the mean are common.
#[test]
fn a_caller_that_leaves_a_somewhat_long_call_is_neutral() {
    let mut scene = Scene::new();
    let before = scene.shed.limit();
    scene.give_up_on_calls(Duration::ZERO, 25 * MS);
    assert_eq!(scene.shed.limit(), before);
}
