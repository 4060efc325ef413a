//! Latency quantiles against sorted samples.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use buttress_core::{LatencyQuantiles, Ratio};
use proptest::prelude::*;

/// Returns the instant at this offset from a fixed one. The clock is read once, since an `Instant` cannot be created
/// otherwise.
#[allow(clippy::disallowed_methods)]
fn at(time: Duration) -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now) + time
}

fn quantiles(window: Duration) -> LatencyQuantiles {
    LatencyQuantiles::new(window, at(Duration::ZERO)).expect("valid")
}

/// Every sample with its time.
#[derive(Debug)]
struct Model {
    slice: u128,
    samples: Vec<(Duration, Duration)>,
}

impl Model {
    fn new(window: Duration) -> Self {
        Self {
            slice: window.as_nanos().div_ceil(4),
            samples: Vec::new(),
        }
    }

    fn live(&self, now: Duration) -> Vec<Duration> {
        let slice = |time: Duration| time.as_nanos() / self.slice;
        let live = |&&(came, _): &&(Duration, Duration)| slice(came) + 4 > slice(now);
        let mut live: Vec<_> = self
            .samples
            .iter()
            .filter(live)
            .map(|sample| sample.1)
            .collect();
        live.sort_unstable();
        live
    }
}

fn latency() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => 0..100_000_000_u64,
        2 => 0..5_000_u64,
        2 => 0..1_000_000_000_000_u64,
        1 => Just(0_u64),
    ]
    .prop_map(Duration::from_nanos)
}

fn pause() -> impl Strategy<Value = Duration> {
    prop_oneof![
        6 => Just(0_u64),
        4 => 0..200_000_000_u64,
        2 => 0..5_000_000_000_u64,
        1 => Just(30 * 24 * 3_600 * 1_000_000_000_u64),
    ]
    .prop_map(Duration::from_nanos)
}

proptest! {
    #[test]
    fn a_quantile_is_that_of_the_sorted_samples_or_a_32nd_above(
        window in (1_000_000_000..20_000_000_000_u64).prop_map(Duration::from_nanos),
        samples in proptest::collection::vec((pause(), latency()), 1..300),
        share in (0..=1_000_u32).prop_map(|share| f64::from(share) / 1_000.0),
        later in pause(),
    ) {
        let quantiles = quantiles(window);
        let mut model = Model::new(window);
        let mut now = Duration::ZERO;
        for (pause, latency) in samples {
            now += pause;
            quantiles.record(latency, at(now));
            model.samples.push((now, latency));
        }
        for now in [now, now + later] {
            let live = model.live(now);
            prop_assert_eq!(quantiles.calls(at(now)), live.len() as u64);
            let answer = quantiles.quantile(Ratio::new(share).expect("a share"), at(now));
            prop_assert_eq!(answer.is_some(), !live.is_empty());
            if let Some(answer) = answer {
                let rank = (share * live.len() as f64).ceil().max(1.0) as usize;
                let exact = live[rank - 1];
                let most = exact + (exact / 32).max(Duration::from_nanos(32));
                prop_assert!((exact..=most).contains(&answer), "{answer:?} for {exact:?}");
            }
        }
    }
}

#[test]
fn the_window_slides_by_quarters() {
    let quantiles = quantiles(Duration::from_secs(8));
    quantiles.record(Duration::from_millis(5), at(Duration::from_secs(1)));
    let calls = |millis| quantiles.calls(at(Duration::from_millis(millis)));
    assert_eq!((calls(1_000), calls(7_999), calls(8_000)), (1, 1, 0));
    assert_eq!(
        quantiles.quantile(Ratio::HALF, at(Duration::from_secs(8))),
        None
    );
}

#[test]
fn the_longest_latency_told_apart_is_18_minutes() {
    let quantiles = quantiles(Duration::from_secs(8));
    quantiles.record(Duration::MAX, at(Duration::ZERO));
    let longest = quantiles
        .quantile(Ratio::ONE, at(Duration::ZERO))
        .expect("one call");
    assert_eq!(longest.as_secs(), 1_099);
}

#[test]
fn threads_lose_no_sample() {
    let quantiles = quantiles(Duration::from_secs(8));
    std::thread::scope(|scope| {
        for thread in 1..=16_u64 {
            let quantiles = &quantiles;
            scope.spawn(move || {
                for _ in 0..1_000 {
                    quantiles.record(Duration::from_millis(thread), at(Duration::from_secs(1)));
                }
            });
        }
    });
    assert_eq!(quantiles.calls(at(Duration::from_secs(1))), 16_000);
    let median = quantiles.quantile(Ratio::HALF, at(Duration::from_secs(1)));
    assert_eq!(median.expect("calls").as_millis(), 8);
}

#[test]
fn a_window_out_of_bounds_is_rejected() {
    for window in [Duration::ZERO, Duration::from_millis(999), Duration::MAX] {
        let error = LatencyQuantiles::new(window, at(Duration::ZERO)).expect_err("refused");
        assert_eq!(
            (error.field(), error.bound()),
            ("window", "from 1s to 3600s")
        );
    }
}
