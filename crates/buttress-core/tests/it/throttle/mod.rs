//! The throttle against a model that keeps the full history. It is compared with others in `tests/simulations`.

use std::time::{Duration, Instant};

use buttress_core::{FailureKind, Outcome, Throttle, ThrottleConfig, ThrottleSnapshot};
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
enum Step {
    Wait(u64),
    Admit,
    Settle(Outcome),
    Withdraw,
}

fn step() -> impl Strategy<Value = Step> {
    let outcomes = prop_oneof![
        Just(Outcome::Success),
        Just(Outcome::Failure(FailureKind::Error)),
        Just(Outcome::Failure(FailureKind::Overload)),
    ];
    prop_oneof![
        1 => prop_oneof![0..40_u64, 0..3_000_u64].prop_map(Step::Wait),
        4 => Just(Step::Admit),
        3 => outcomes.prop_map(Step::Settle),
        1 => Just(Step::Withdraw),
    ]
}

/// A naive throttle: everything that happened, with the number of its 50 ms bucket.
#[derive(Default)]
struct Naive {
    sent: Vec<u64>,
    accepted: Vec<u64>,
    refused: Vec<u64>,
    holding: bool,
}

impl Naive {
    fn snapshot(&self, bucket: u64) -> ThrottleSnapshot {
        let count = |times: &[u64]| times.iter().filter(|&&at| at + 20 > bucket).count() as u64;
        ThrottleSnapshot {
            sent: count(&self.sent),
            accepted: count(&self.accepted),
            refused: count(&self.refused),
        }
    }

    fn is_holding(&mut self, bucket: u64) -> bool {
        let ThrottleSnapshot {
            sent,
            accepted,
            refused,
        } = self.snapshot(bucket);
        let is_over = sent >= 3.max(2 * accepted);
        self.holding = 2 * refused > accepted && (self.holding || is_over);
        self.holding
    }
}

proptest! {
    #[test]
    fn it_counts_like_a_model_with_the_full_history(steps in prop::collection::vec(step(), 1..200)) {
        let start = Instant::now();
        let config = ThrottleConfig::default().window(Duration::from_secs(1)).floor(3);
        let throttle = Throttle::new(config, start).unwrap();
        let mut naive = Naive::default();
        let mut millis = 0;
        for step in steps {
            let now = start + Duration::from_millis(millis);
            let bucket = millis / 50;
            match step {
                Step::Wait(more) => millis += more,
                Step::Admit => {
                    let admits = throttle.admit(now, || 0).is_ok();
                    prop_assert!(naive.is_holding(bucket) || admits);
                    if admits {
                        naive.sent.push(bucket);
                    }
                }
                Step::Settle(outcome) => {
                    throttle.settle(outcome, now);
                    if outcome == Outcome::Failure(FailureKind::Overload) {
                        naive.refused.push(bucket);
                    } else {
                        naive.accepted.push(bucket);
                    }
                }
                // The newest call that is still within the window.
                Step::Withdraw => {
                    throttle.withdraw(now);
                    if naive.sent.last().is_some_and(|at| at + 20 > bucket) {
                        naive.sent.pop();
                    }
                }
            }
            let now = start + Duration::from_millis(millis);
            prop_assert_eq!(throttle.snapshot(now), naive.snapshot(millis / 50));
        }
    }
}

#[test]
fn nothing_that_happens_after_a_call_makes_a_count_negative() {
    let start = Instant::now();
    let throttle = Throttle::new(ThrottleConfig::default(), start).unwrap();
    throttle.admit(start, || 0).unwrap();
    for seconds in [1, 30, 0, 3_600] {
        let now = start + Duration::from_secs(seconds);
        throttle.withdraw(now);
        throttle.settle(Outcome::Ignored, now);
        assert_eq!(throttle.snapshot(now).sent, 0);
    }
}

#[test]
fn calls_that_are_withdrawn_long_after_they_were_sent_are_taken_back_once() {
    let start = Instant::now();
    let config = ThrottleConfig::default().window(Duration::from_secs(2));
    let throttle = Throttle::new(config, start).unwrap();
    for second in 0..20_u64 {
        let at = |millis: u64| start + Duration::from_millis(1_000 * second + millis);
        (0..10).for_each(|_| throttle.admit(at(0), || 0).unwrap());
        (0..5).for_each(|_| throttle.withdraw(at(900)));
        assert_eq!(
            throttle.snapshot(at(900)).sent,
            if second == 0 { 5 } else { 10 }
        );
    }
}

#[test]
fn threads_together_send_no_more_than_one() {
    let start = Instant::now();
    let throttle = Throttle::new(ThrottleConfig::default(), start).unwrap();
    let failure = Outcome::Failure(FailureKind::Overload);
    let sent = std::thread::scope(|scope| {
        let threads = [(); 4].map(|()| {
            scope.spawn(|| {
                let tries = (0..10_000).filter(|_| {
                    let sent = throttle.admit(start, || 0).is_ok();
                    sent.then(|| throttle.settle(failure, start)).is_some()
                });
                tries.count() as u64
            })
        });
        threads
            .map(|thread| thread.join().unwrap())
            .iter()
            .sum::<u64>()
    });
    let snapshot = throttle.snapshot(start);
    assert_eq!((snapshot.sent, snapshot.refused), (sent, sent));
    // The floor for ten seconds, one call at its rate, and the calls before the first responses.
    assert!((50..=60).contains(&sent), "{sent}");
}

#[test]
fn what_cannot_work_is_rejected_by_name() {
    let config = ThrottleConfig::default();
    for (config, field) in [
        (config.multiplier(1.0), "throttle.multiplier"),
        (config.multiplier(f64::NAN), "throttle.multiplier"),
        (config.multiplier(101.0), "throttle.multiplier"),
        (config.window(Duration::from_millis(99)), "throttle.window"),
        (config.window(Duration::MAX), "throttle.window"),
        (config.floor(0), "throttle.floor"),
    ] {
        assert_eq!(config.check().unwrap_err().field(), field);
    }
}

/// The probability of a call below the floor, computed from everything that happened: the number of the 500 ms bucket of
/// each result, and whether it was accepted.
fn chance(history: &[(u64, bool)], bucket: u64) -> f64 {
    let (mut steps, mut last) = (25.0_f64, 0);
    for &(at, accepted) in history {
        steps = (steps + (at - last) as f64 * 0.5 * 25.0 / 600.0).min(25.0);
        last = at;
        steps += if accepted { 1.0 } else { -1.0 };
        steps = steps.clamp(-10.0_f64.ln() / 0.2, 25.0);
    }
    steps = (steps + (bucket - last) as f64 * 0.5 * 25.0 / 600.0).min(25.0);
    (0.2 * steps).exp()
}

proptest! {
    /// Below its floor the throttle sends the share of calls that the model states.
    #[test]
    fn below_the_floor_it_sends_by_the_chance_of_a_model(
        steps in prop::collection::vec((0..3_000_u64, prop::bool::weighted(0.3)), 1..200),
    ) {
        let start = Instant::now();
        let throttle = Throttle::new(ThrottleConfig::default().floor(1_000), start).unwrap();
        let mut history = Vec::new();
        let mut millis = 0;
        for (wait, accepted) in steps {
            millis += wait;
            let now = start + Duration::from_millis(millis);
            let bucket = millis / 500;
            let expected = chance(&history, bucket);
            let sent = (0..512_u64)
                .filter(|draw| {
                    let sent = throttle.admit(now, || random_of(*draw)).is_ok();
                    if sent {
                        throttle.withdraw(now);
                    }
                    sent
                })
                .count() as f64;
            let expected = (512.0 * expected).min(512.0);
            prop_assert!((sent - expected).abs() <= 1.0, "{sent} of 512, expected {expected}");
            let outcome = if accepted {
                Outcome::Success
            } else {
                Outcome::Failure(FailureKind::Transport)
            };
            throttle.settle(outcome, now);
            history.push((bucket, accepted));
        }
    }
}

/// A random number of which the throttle makes a draw of this many 512ths: the inverse of its multiplication.
fn random_of(draw: u64) -> u64 {
    // Newton's iteration for the inverse of an odd number modulo 2⁶⁴.
    let constant = 0xBF58_476D_1CE4_E5B9_u64;
    let mut inverse = constant;
    for _ in 0..6 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(constant.wrapping_mul(inverse)));
    }
    (draw << 55).wrapping_mul(inverse).rotate_right(32)
}
