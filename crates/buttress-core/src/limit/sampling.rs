//! Decides which calls are sampled.
//!
//! A window of a few round trips is as informative as one of a few thousand. At rates at which all calls would fill
//! windows faster than the limit needs to change, only one call in N is timed and counted. Below some thousand calls
//! per second, every call is sampled.

/// The sampling rate (one in N) after a window of `nanos` nanoseconds at one in `every`. Always a power of two.
pub(super) fn next(every: u64, nanos: u64) -> u64 {
    let of_all = (nanos / every).max(1);
    let wanted = (SHORTEST / of_all).clamp(1, MOST);
    // The window in which the rate changes mixes samples of both rates, so small changes are not made.
    if wanted >= every * 4 || wanted * 4 <= every {
        1 << wanted.ilog2()
    } else {
        every
    }
}

/// Whether a window has lasted so long that the rate of calls must have fallen, and every call should be sampled again.
pub(super) fn is_overdue(every: u64, nanos: u64) -> bool {
    every > 1 && nanos > OVERDUE
}

/// The distance in calls from this sample to the next: `every` on average, and at least 1.
///
/// The fractional parts of the multiples of the golden ratio are spread evenly over any range (Knuth, TAOCP 6.4), and
/// have no period that could coincide with one of the load.
pub(super) fn gap(sample: u64, every: u64) -> u64 {
    let gaps = u128::from(2 * every - 1);
    1 + ((u128::from(sample.wrapping_mul(GOLDEN)) * gaps) >> 64) as u64
}

/// The shortest useful window: 10 ms, in nanoseconds.
const SHORTEST: u64 = 10_000_000;
/// Ten times as long.
const OVERDUE: u64 = 10 * SHORTEST;
/// At a lower rate a fall in load would be detected late.
const MOST: u64 = 128;
/// 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    use super::*;

    #[test]
    fn where_calls_are_few_each_one_counts() {
        for nanos in [u64::MAX, 1_000_000_000, SHORTEST, SHORTEST / 3] {
            assert_eq!(next(1, nanos), 1, "{nanos}");
        }
    }

    #[test]
    fn windows_of_very_many_calls_are_thinned_to_about_the_shortest() {
        assert_eq!(next(1, SHORTEST / 4), 4);
        assert_eq!(next(1, SHORTEST / 20), 16);
        assert_eq!(next(1, 1), MOST);
        assert_eq!(next(MOST, 0), MOST);
    }

    #[test]
    fn it_is_steady_while_the_rate_is_about_the_same() {
        for factor in [0.3, 0.5, 1.0, 2.0, 3.1] {
            let nanos = (SHORTEST as f64 * factor) as u64;
            assert_eq!(next(16, nanos), 16, "{factor}");
        }
        assert_eq!(next(16, 16 * SHORTEST), 1);
    }

    #[test]
    fn one_call_in_n_is_a_sample_in_every_stretch_and_without_a_period() {
        for every in [2, 8, MOST] {
            for from in [0, 1_000_003, u64::MAX - 500] {
                let gap = |sample: u64| gap(from.wrapping_add(sample), every);
                let gaps: Vec<_> = (0..1_000).map(gap).collect();
                let mean = gaps.iter().sum::<u64>() as f64 / 1_000.0;
                assert!((mean / every as f64 - 1.0).abs() < 0.01, "{mean}");
                assert!(gaps.iter().all(|gap| (1..2 * every).contains(gap)));
                let seen: std::collections::BTreeSet<_> = gaps.iter().collect();
                assert_eq!(seen.len() as u64, 2 * every - 1);
            }
        }
        assert!((0..100).all(|sample| gap(sample, 1) == 1));
    }
}
