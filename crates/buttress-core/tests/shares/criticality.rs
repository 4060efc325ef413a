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

/// Shares of ten places, of which so many are taken, from `Low` to `Critical`.
fn taken(by: [usize; 4]) -> Shares {
    let mut shares = Shares::new(config()).expect("within bounds");
    for (criticality, count) in Criticality::ALL.into_iter().zip(by) {
        (0..count).for_each(|_| shares.overdraw(criticality));
    }
    shares
}

#[test]
fn a_free_place_goes_by_share_and_then_by_criticality() {
    let now = Instant::now();
    for (under_way, waiting, next) in [
        // Nobody wants any.
        ([9, 0, 0, 0], [0, 0, 0, 0], None),
        // Nothing is free.
        ([10, 0, 0, 0], [1, 1, 1, 1], None),
        ([0, 0, 12, 0], [1, 0, 0, 0], None),
        // All is lent to whoever wants it.
        ([9, 0, 0, 0], [1, 0, 0, 0], Some(Low)),
        ([0, 0, 9, 0], [0, 0, 1, 0], Some(High)),
        // Within their shares, what matters more goes first.
        ([9, 0, 0, 0], [1, 1, 1, 1], Some(Critical)),
        ([8, 0, 0, 1], [1, 1, 1, 0], Some(High)),
        // A share is kept against what matters more and has its own already.
        ([0, 0, 9, 0], [1, 0, 1, 0], Some(Low)),
        ([0, 1, 8, 0], [0, 1, 1, 0], Some(Medium)),
        ([1, 2, 0, 6], [1, 1, 1, 1], Some(High)),
        // Beyond all shares it is criticality alone.
        ([1, 2, 4, 2], [1, 1, 1, 1], Some(Critical)),
        ([1, 3, 4, 1], [1, 1, 1, 0], Some(High)),
    ] {
        let mut shares = taken(under_way);
        for (criticality, count) in Criticality::ALL.into_iter().zip(waiting) {
            (0..count).for_each(|_| shares.wait(criticality));
        }
        assert_eq!(shares.next(10, now), next, "{under_way:?} {waiting:?}");
    }
}

#[test]
fn the_threshold_moves_up_as_far_as_those_who_lack_a_place_matter() {
    let now = Instant::now();
    let mut shares = taken([2, 2, 4, 0]);
    assert_eq!(shares.threshold(10, now), Some(Low));
    shares.wait(Medium);
    assert_eq!(shares.threshold(10, now), Some(Low));
    shares.wait(High);
    assert_eq!(shares.threshold(10, now), Some(Medium));
    shares.wait(High);
    assert_eq!(shares.threshold(10, now), Some(High));
    shares.wait(Critical);
    shares.wait(Critical);
    assert_eq!(shares.threshold(10, now), Some(Critical));
    shares.overdraw(Critical);
    shares.overdraw(Critical);
    shares.overdraw(Critical);
    assert_eq!(shares.threshold(10, now), None);
}

#[test]
fn who_is_turned_away_finds_a_place_next_time_for_a_while() {
    let start = Instant::now();
    let mut shares = taken([10, 0, 0, 0]);
    assert!(!shares.admit(High, 10, start));
    shares.turn_away(High, 10, start);
    shares.release(Low);

    let later = start + Duration::from_millis(999);
    assert!(!shares.admit(Low, 10, later));
    assert!(shares.clone().admit(High, 10, later));
    assert!(shares.admit(Low, 10, start + Duration::from_secs(1)));
}

#[test]
fn more_is_kept_the_more_are_turned_away_up_to_twice_the_root_of_the_limit() {
    let start = Instant::now();
    let mut shares = Shares::new(config()).unwrap();
    let wanted = |shares: &Shares, seconds| {
        let now = start + Duration::from_secs(seconds);
        shares.snapshot(Medium, 100, now).wanted
    };
    for n in 1..100 {
        shares.turn_away(Medium, 100, start);
        assert_eq!(wanted(&shares, 0), n.min(20));
    }
    assert_eq!(
        [1, 2, 3, 4, 5, 1_000_000].map(|s| wanted(&shares, s)),
        [10, 5, 2, 1, 0, 0]
    );
}

#[test]
fn a_limit_below_what_is_under_way_admits_nobody_until_it_is_above() {
    let now = Instant::now();
    let mut shares = taken([2, 2, 2, 2]);
    shares.wait(Critical);
    for limit in [0, 1, 8] {
        assert!(!shares.clone().admit(Critical, limit, now));
        assert_eq!(shares.next(limit, now), None);
        assert_eq!(shares.threshold(limit, now), None);
    }
    assert_eq!(shares.next(9, now), Some(Critical));
    assert!(shares.clone().admit(Critical, u64::MAX, now));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Arrive(Criticality, bool),
    End(Criticality),
    Leave(Criticality),
    Serve,
    Limit(u64),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let one = || prop::sample::select(Criticality::ALL.to_vec());
    prop_oneof![
        6 => (one(), any::<bool>()).prop_map(|(c, waits)| Step::Arrive(c, waits)),
        4 => one().prop_map(Step::End),
        1 => one().prop_map(Step::Leave),
        3 => Just(Step::Serve),
        1 => (0..40_u64).prop_map(Step::Limit),
        1 => (0..1_500_u64).prop_map(Step::Wait),
    ]
}

/// The same in words: who is under way, who waits, and each call that was turned away.
#[derive(Default)]
struct Naive {
    under_way: Vec<Criticality>,
    waiting: Vec<Criticality>,
    turned_away: Vec<(Criticality, u64, u64)>,
}

impl Naive {
    fn count(of: &[Criticality], criticality: Criticality) -> u64 {
        of.iter().filter(|&&c| c == criticality).count() as u64
    }

    fn wanted(&self, criticality: Criticality, millis: u64) -> u64 {
        let mut kept = (0, 0);
        for &(c, at, most) in &self.turned_away {
            if c == criticality {
                kept = (((kept.0 >> ((at - kept.1) / 1_000)) + 1).min(most), at);
            }
        }
        let kept = kept.0 >> ((millis - kept.1) / 1_000).min(63);
        Self::count(&self.waiting, criticality) + kept
    }

    fn share(criticality: Criticality, limit: u64) -> u64 {
        limit * [10, 20, 40, 10][criticality.index()] / 100
    }

    fn within(&self, criticality: Criticality, limit: u64) -> bool {
        Self::count(&self.under_way, criticality) < Self::share(criticality, limit)
    }

    fn may(&self, criticality: Criticality, limit: u64, millis: u64) -> bool {
        let mut left = limit as i64 - self.under_way.len() as i64;
        if left > 0 && self.within(criticality, limit) {
            return true;
        }
        for other in Criticality::ALL {
            let wanted = self.wanted(other, millis);
            if other > criticality {
                left -= wanted as i64;
            } else if other < criticality && self.within(other, limit) {
                let lacks = Self::share(other, limit) - Self::count(&self.under_way, other);
                left -= wanted.min(lacks) as i64;
            }
        }
        left > 0
    }
}

fn remove(from: &mut Vec<Criticality>, criticality: Criticality) -> bool {
    let at = from.iter().position(|&c| c == criticality);
    at.map(|at| from.swap_remove(at)).is_some()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn shares_decide_as_somebody_who_counts_on_paper(steps in prop::collection::vec(step(), 1..150)) {
        let start = Instant::now();
        let mut shares = Shares::new(config()).unwrap();
        let mut naive = Naive::default();
        let (mut limit, mut millis) = (10, 0);
        for step in steps {
            let now = start + Duration::from_millis(millis);
            match step {
                Step::Arrive(c, waits) => {
                    let may = naive.may(c, limit, millis);
                    prop_assert_eq!(shares.admit(c, limit, now), may);
                    if may {
                        naive.under_way.push(c);
                        prop_assert!(shares.in_flight() <= limit);
                    } else if waits {
                        shares.wait(c);
                        naive.waiting.push(c);
                    } else {
                        shares.turn_away(c, limit, now);
                        naive.turned_away.push((c, millis, 2 * (limit as f64).sqrt() as u64));
                    }
                }
                Step::End(c) => if remove(&mut naive.under_way, c) {
                    shares.release(c);
                },
                Step::Leave(c) => if remove(&mut naive.waiting, c) {
                    shares.leave(c);
                },
                Step::Serve => {
                    let mut waiting: Vec<_> = naive.waiting.clone();
                    waiting.sort_unstable_by(|a, b| b.cmp(a));
                    let next = waiting.into_iter().find(|&c| naive.may(c, limit, millis));
                    prop_assert_eq!(shares.next(limit, now), next);
                    if let Some(c) = next {
                        shares.leave(c);
                        prop_assert!(shares.admit(c, limit, now));
                        remove(&mut naive.waiting, c);
                        naive.under_way.push(c);
                    }
                    let nothing_kept = naive.turned_away.iter().all(|&(_, at, _)| millis - at > 10_000);
                    if nothing_kept && !naive.waiting.is_empty() && naive.under_way.len() < limit as usize {
                        prop_assert!(shares.next(limit, now).is_some(), "no place idles while anybody waits");
                    }
                }
                Step::Limit(to) => limit = to,
                Step::Wait(more) => millis += more,
            }
            for c in Criticality::ALL {
                let seen = shares.snapshot(c, limit, start + Duration::from_millis(millis));
                prop_assert_eq!(seen.in_flight, Naive::count(&naive.under_way, c));
                prop_assert_eq!(seen.waiting, Naive::count(&naive.waiting, c));
                prop_assert_eq!(seen.share, Naive::share(c, limit));
                prop_assert_eq!(seen.wanted, naive.wanted(c, millis));
            }
        }
    }
}
