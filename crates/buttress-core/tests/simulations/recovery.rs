//! How long the default shedder goes on to reject after a brown-out: the scene of `examples/storm`, with many seeds.

use buttress_core::shed::ShedConfig;

use crate::service::Service;
use crate::world::World;

/// A service that is busy for seven tenths of the time loses eight of its ten workers for ten seconds. It has recovered
/// when a twentieth of the calls of the following half second, or less, is rejected.
pub(crate) fn a_brown_out_is_over_in_a_second() {
    if cfg!(debug_assertions) {
        return;
    }
    let mut seconds: Vec<f64> = (500..700).map(recovery).collect();
    seconds.sort_by(f64::total_cmp);
    let mean = seconds.iter().sum::<f64>() / seconds.len() as f64;
    let at = |share: f64| seconds[(seconds.len() as f64 * share) as usize];
    let (median, late) = (at(0.5), at(0.9));
    println!("recovered after: mean {mean:.2} s, median {median:.1} s, nine of ten {late:.1} s");
    // Without `limit/pace.rs` the mean is 1.4 s.
    assert!(mean <= 1.1, "{mean}");
}

/// The seconds until it has recovered, at most 5.
fn recovery(seed: u64) -> f64 {
    let mut world = World::new(
        ShedConfig::default(),
        10,
        Service::Exponential(0.0175),
        seed,
    );
    world.deadline = Some(0.9);
    world.offer(0.7).run(10.0);
    world.workers = 2;
    world.run(10.0);
    world.workers = 10;
    let rejected: Vec<f64> = (0..55).map(|_| world.run(0.1).refused()).collect();
    let recovered = rejected
        .windows(5)
        .position(|half_second| half_second.iter().sum::<f64>() <= 0.05 * 5.0);
    recovered.map_or(5.0, |tenths| tenths as f64 / 10.0)
}
