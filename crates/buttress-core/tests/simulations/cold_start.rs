//! The default shedder at a cold start, in front of a service that waits for others: calls take long, and any number
//! may be in flight.

use buttress_core::shed::ShedConfig;

use crate::service::Service;
use crate::world::World;

/// The whole load starts at once, as after a deploy. Of the calls in the sixth interval of five seconds, fewer than one
/// in twenty may be rejected.
pub(crate) fn services_that_wait() {
    println!("share rejected in stretches of 5 s, and the limit after 30 s");
    for (mean, rate) in [(0.05, 2_000.0), (0.5, 500.0), (2.0, 250.0), (10.0, 50.0)] {
        for service in [Service::Constant(mean), Service::Exponential(mean)] {
            // With four workers for each call in flight, no call waits for a worker.
            let workers = (4.0 * mean * rate) as usize;
            for seed in 9_001..9_004 {
                let mut world = World::new(ShedConfig::default(), workers, service, seed);
                world.offer(0.25);
                let refused: Vec<_> = (0..6).map(|_| world.run(5.0).refused()).collect();
                let shares: String = refused
                    .iter()
                    .map(|share| format!("{:>6.1}%", 1e2 * share))
                    .collect();
                let name = format!("{service:?}, {rate} a second");
                println!("{name:<36}{shares} {:>8}", world.shed.limit());
                assert!(refused[5] < 0.05, "{name}, seed {seed}: {refused:?}");
            }
        }
    }
}
