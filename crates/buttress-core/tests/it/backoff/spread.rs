//! Jitter spreads simultaneous retries evenly.

use std::time::Duration;

use buttress_core::{Backoff, Jitter};

use super::draws::Draws;

const DRAWS: usize = 10_000;

/// The largest distance between the distribution of the waits and a uniform one: the Kolmogorov-Smirnov statistic.
fn distance_from_uniform(backoff: Backoff, least: Duration, most: Duration) -> f64 {
    let mut draws = Draws(5);
    let span = (most - least).as_secs_f64();
    let mut waits: Vec<f64> = (0..DRAWS)
        .map(|_| backoff.wait(3, Duration::from_millis(100), draws.next()))
        .map(|wait| (wait - least).as_secs_f64() / span)
        .collect();
    waits.sort_by(f64::total_cmp);
    waits
        .iter()
        .zip(0_u32..)
        .map(|(wait, place)| (wait - f64::from(place) / DRAWS as f64).abs())
        .fold(0.0, f64::max)
}

#[test]
fn each_jitter_is_uniform_over_its_range() {
    let millis = Duration::from_millis;
    for (jitter, least, most) in [
        (Jitter::Full, millis(0), millis(400)),
        (Jitter::Equal, millis(200), millis(400)),
        (Jitter::Decorrelated, millis(50), millis(300)),
    ] {
        let distance = distance_from_uniform(Backoff::default().jitter(jitter), least, most);
        // Of uniform waits, one run in a thousand exceeds this distance.
        assert!(
            distance < 1.95 / (DRAWS as f64).sqrt(),
            "{jitter:?}: {distance}"
        );
    }
}

#[test]
fn the_same_draws_give_the_same_waits() {
    let waits = || {
        let mut draws = Draws(5);
        let mut before = Duration::ZERO;
        [0, 1, 2, 3].map(|retries| {
            before =
                Backoff::default()
                    .jitter(Jitter::Decorrelated)
                    .wait(retries, before, draws.next());
            before
        })
    };
    assert_eq!(waits(), waits());
}
