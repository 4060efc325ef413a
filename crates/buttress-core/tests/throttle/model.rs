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

/// Keeps everything that happened, with the number of its bucket of 50 ms.
#[derive(Default)]
struct Naive {
    sent: Vec<(u64, i64)>,
    accepted: Vec<u64>,
    refused: Vec<u64>,
    holding: bool,
}

impl Naive {
    fn snapshot(&self, bucket: u64) -> ThrottleSnapshot {
        let count = |times: &[u64]| times.iter().filter(|&&at| at + 20 > bucket).count() as u64;
        let sent = self.sent.iter().filter(|(at, _)| at + 20 > bucket);
        ThrottleSnapshot {
            sent: u64::try_from(sent.map(|(_, by)| by).sum::<i64>()).expect("checked below"),
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
    fn it_counts_as_somebody_who_remembers_everything(steps in prop::collection::vec(step(), 1..200)) {
        let start = Instant::now();
        let config = ThrottleConfig::default().window(Duration::from_secs(1)).floor(3);
        let throttle = Throttle::new(config, start).unwrap();
        let mut naive = Naive::default();
        let mut millis = 0;
        let mut sent_in_bucket = 0;
        for step in steps {
            let now = start + Duration::from_millis(millis);
            let bucket = millis / 50;
            match step {
                Step::Wait(more) => {
                    if (millis + more) / 50 != bucket {
                        sent_in_bucket = 0;
                    }
                    millis += more;
                }
                Step::Admit => {
                    let admits = throttle.admit(now).is_ok();
                    prop_assert!(naive.is_holding(bucket) || admits);
                    if admits {
                        naive.sent.push((bucket, 1));
                        sent_in_bucket += 1;
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
                // What was sent in a bucket that is still the newest.
                Step::Withdraw if sent_in_bucket > 0 => {
                    throttle.withdraw(now);
                    naive.sent.push((bucket, -1));
                    sent_in_bucket -= 1;
                }
                Step::Withdraw => {}
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
    throttle.admit(start).unwrap();
    for seconds in [1, 30, 0, 3_600] {
        let now = start + Duration::from_secs(seconds);
        throttle.withdraw(now);
        throttle.settle(Outcome::Ignored, now);
        assert_eq!(throttle.snapshot(now).sent, 0);
    }
}

#[test]
fn what_cannot_work_is_refused_by_name() {
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
