use std::time::{Duration, Instant};

use buttress_core::Criticality::{self, Critical, High, Low, Medium};
use buttress_core::Ratio;
use buttress_core::shares::{Shares, SharesConfig};
use proptest::prelude::*;

fn config() -> SharesConfig {
    SharesConfig::default()
        .share(Critical, Ratio::percent(10))
        .share(High, Ratio::percent(40))
        .share(Medium, Ratio::percent(20))
        .share(Low, Ratio::percent(10))
}

/// Shares of a limit with this many slots in use, from `Low` to `Critical`.
fn taken(by: [usize; 4]) -> Shares {
    let mut shares = Shares::new(config()).expect("within bounds");
    for (criticality, count) in Criticality::ALL.into_iter().zip(by) {
        (0..count).for_each(|_| shares.force_acquire(criticality));
    }
    shares
}

#[test]
fn a_free_slot_is_for_each_class_until_others_were_rejected() {
    let now = Instant::now();
    for (in_flight, rejected, may) in [
        // Without a rejection all slots are lent.
        ([9, 0, 0, 0], [0, 0, 0, 0], [true, true, true, true]),
        // No slot is free.
        ([10, 0, 0, 0], [0, 0, 0, 0], [false, false, false, false]),
        // A class above its share leaves the slot to a more critical one.
        ([9, 0, 0, 0], [0, 0, 1, 0], [false, true, true, true]),
        ([1, 2, 4, 2], [0, 0, 0, 1], [false, false, false, true]),
        // A class below its share may take the slot, whatever was rejected.
        ([0, 1, 8, 0], [0, 0, 1, 0], [true, true, true, true]),
        // A class above its share leaves the slot to a less critical class below its share, and to no other.
        ([0, 2, 6, 1], [1, 0, 0, 0], [true, false, false, false]),
        ([1, 2, 5, 1], [1, 0, 0, 0], [true, true, true, true]),
    ] {
        let mut shares = taken(in_flight);
        for (criticality, count) in Criticality::ALL.into_iter().zip(rejected) {
            (0..count).for_each(|_| shares.reject(criticality, 10, now));
        }
        let seen = Criticality::ALL.map(|criticality| shares.may(criticality, 10, now));
        assert_eq!(seen, may, "{in_flight:?} {rejected:?}");
    }
}

#[test]
fn a_rejected_call_keeps_a_slot_free_for_a_second() {
    let start = Instant::now();
    let mut shares = taken([10, 0, 0, 0]);
    assert!(!shares.may(High, 10, start));
    shares.reject(High, 10, start);
    shares.release(Low);

    let later = start + Duration::from_millis(999);
    assert!(!shares.may(Low, 10, later));
    assert!(shares.may(High, 10, later));
    assert!(shares.may(Low, 10, start + Duration::from_secs(1)));
}

#[test]
fn more_slots_are_kept_with_each_rejection_up_to_twice_the_root_of_the_limit() {
    let start = Instant::now();
    let mut shares = Shares::new(config()).unwrap();
    // The number of slots that calls of the least critical class cannot take.
    let kept = |shares: &Shares, seconds| {
        let (mut shares, now) = (shares.clone(), start + Duration::from_secs(seconds));
        let admitted = (0..).take_while(|_| {
            let may = shares.may(Low, 100, now);
            shares.force_acquire(Low);
            may
        });
        100 - admitted.count()
    };
    for n in 1..100 {
        shares.reject(Medium, 100, start);
        assert_eq!(kept(&shares, 0), n.min(20));
    }
    assert_eq!(
        [1, 2, 3, 4, 5, 1_000_000].map(|s| kept(&shares, s)),
        [10, 5, 2, 1, 0, 0]
    );
}

#[test]
fn a_limit_below_what_is_in_flight_admits_no_call_until_it_is_above() {
    let now = Instant::now();
    let shares = taken([2, 2, 2, 2]);
    for limit in [0, 1, 8] {
        assert!(!shares.may(Critical, limit, now));
    }
    assert!(shares.may(Critical, 9, now));
    assert!(shares.may(Critical, u64::MAX, now));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Arrive(Criticality),
    End(Criticality),
    Limit(u64),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let one = || prop::sample::select(Criticality::ALL.to_vec());
    prop_oneof![
        6 => one().prop_map(Step::Arrive),
        4 => one().prop_map(Step::End),
        1 => (0..40_u64).prop_map(Step::Limit),
        1 => (0..1_500_u64).prop_map(Step::Wait),
    ]
}

/// A naive version with lists: the calls in flight, and each rejected call with its time and the maximum of reserved
/// slots then.
#[derive(Default)]
struct Naive {
    in_flight: Vec<Criticality>,
    rejected: Vec<(Criticality, u64, u64)>,
}

impl Naive {
    fn count(&self, criticality: Criticality) -> u64 {
        let of = self.in_flight.iter();
        of.filter(|&&c| c == criticality).count() as u64
    }

    fn kept(&self, criticality: Criticality, millis: u64) -> u64 {
        let mut kept = (0, 0);
        for &(c, at, most) in &self.rejected {
            if c == criticality {
                kept = (((kept.0 >> ((at - kept.1) / 1_000)) + 1).min(most), at);
            }
        }
        kept.0 >> ((millis - kept.1) / 1_000).min(63)
    }

    fn share(criticality: Criticality, limit: u64) -> u64 {
        limit * [10, 20, 40, 10][criticality.index()] / 100
    }

    fn deficit(&self, criticality: Criticality, limit: u64) -> u64 {
        Self::share(criticality, limit).saturating_sub(self.count(criticality))
    }

    fn may(&self, criticality: Criticality, limit: u64, millis: u64) -> bool {
        let mut left = limit as i64 - self.in_flight.len() as i64;
        if left > 0 && self.deficit(criticality, limit) > 0 {
            return true;
        }
        for other in Criticality::ALL {
            let kept = self.kept(other, millis);
            if other > criticality {
                left -= kept as i64;
            } else if other < criticality {
                left -= kept.min(self.deficit(other, limit)) as i64;
            }
        }
        left > 0
    }

    /// Ends a call of this criticality. Returns whether one was in flight.
    fn end(&mut self, criticality: Criticality) -> bool {
        let at = self.in_flight.iter().position(|&c| c == criticality);
        at.map(|at| self.in_flight.swap_remove(at)).is_some()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn shares_decide_as_the_lists_do(steps in prop::collection::vec(step(), 1..150)) {
        let start = Instant::now();
        let mut shares = Shares::new(config()).unwrap();
        let mut naive = Naive::default();
        let (mut limit, mut millis) = (10, 0);
        for step in steps {
            let now = start + Duration::from_millis(millis);
            match step {
                Step::Arrive(c) if naive.may(c, limit, millis) => {
                    shares.force_acquire(c);
                    naive.in_flight.push(c);
                    prop_assert!(naive.in_flight.len() as u64 <= limit);
                }
                Step::Arrive(c) => {
                    shares.reject(c, limit, now);
                    naive.rejected.push((c, millis, 2 * (limit as f64).sqrt() as u64));
                }
                Step::End(c) => if naive.end(c) {
                    shares.release(c);
                },
                Step::Limit(to) => limit = to,
                Step::Wait(more) => millis += more,
            }
            let now = start + Duration::from_millis(millis);
            for c in Criticality::ALL {
                prop_assert_eq!(shares.may(c, limit, now), naive.may(c, limit, millis));
                prop_assert_eq!(shares.deficit(c, limit), naive.deficit(c, limit));
                prop_assert_eq!(shares.share(c, limit), Naive::share(c, limit));
            }
        }
    }
}
