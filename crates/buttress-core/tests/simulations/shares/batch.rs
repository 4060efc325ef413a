//! Users with a constant load, next to a batch job that sends twelve times the capacity, in front of one shedder.

use buttress_core::Criticality::{self, High, Low};
use buttress_core::Ratio;
use buttress_core::queue::Order;
use buttress_core::shares::SharesConfig;
use buttress_core::shed::ShedConfig;

use crate::service::Service;
use crate::tally::{Tally, over_seeds};
use crate::world::World;

/// The lower bound for the users of a row.
enum Bound {
    /// The share that a queue of this length serves if its calls wait for all slots together (M/M/1/K), less a
    /// tolerance. Next to a batch no slot is ever idle, so users wait in such a queue, and a higher share is not
    /// possible.
    Queue(f64),
    /// The share that is served without the batch, less a tolerance: without a queue, calls are lost by chance.
    Alone(f64),
}

pub(crate) fn users_beside_a_batch_at_twelve_times_the_capacity_are_served() {
    // The default, with shares.
    let default = || ShedConfig::default().shares(SharesConfig::default());
    let fifo = || default().order(Order::Fifo);
    println!(
        "{:<18} places  users  served alone  at best  beside a batch  batch gets  of all places",
        ""
    );
    for (name, config, queue, places, users, bound) in [
        ("default", default(), 64, 10, 0.5, Bound::Queue(0.001)),
        // The default order takes a wait of 25 ms for an overload, and then serves the newest first. Here 25 ms are 2.5
        // calls. At this load users sometimes wait that long, and the oldest of them then wait too long.
        ("default", default(), 64, 10, 0.9, Bound::Queue(0.015)),
        ("default", default(), 64, 10, 1.0, Bound::Queue(0.04)),
        ("default", default(), 64, 64, 0.9, Bound::Queue(0.001)),
        // With a load of users near the capacity, any queue is full at times. At this load the queue's length varies
        // over its whole range, so the variance is larger than below it.
        ("default", default(), 64, 64, 1.0, Bound::Queue(0.005)),
        ("in turn", fifo(), 64, 10, 0.9, Bound::Queue(0.001)),
        ("in turn", fifo(), 64, 10, 1.0, Bound::Queue(0.005)),
        ("in turn", fifo(), 64, 64, 1.0, Bound::Queue(0.005)),
        (
            "in turn, queue 512",
            fifo().queue(512),
            512,
            64,
            1.0,
            Bound::Queue(0.01),
        ),
        (
            "no queue",
            default().queue(0),
            0,
            64,
            0.5,
            Bound::Alone(0.003),
        ),
        (
            "no queue",
            default().queue(0),
            0,
            64,
            1.0,
            Bound::Alone(0.01),
        ),
        (
            "no queue",
            default().queue(0),
            0,
            256,
            0.8,
            Bound::Alone(0.003),
        ),
    ] {
        let config = config.limit(places);
        let alone = run(&config, places, &[(High, users)]);
        let beside = run(&config, places, &[(High, users), (Low, 12.0)]);
        let (least, at_best) = match bound {
            Bound::Queue(tolerance) => {
                let best = served_by_queue(users, queue);
                (best - tolerance, format!("{:.2}%", 100.0 * best))
            }
            Bound::Alone(tolerance) => (alone.served(High) - tolerance, "–".to_owned()),
        };
        println!(
            "{name:<18} {places:>6} {users:>5.1}× {:>12.2}% {at_best:>8} {:>14.2}% {:>10.1}% {:>13.1}%",
            100.0 * alone.served(High),
            100.0 * beside.served(High),
            100.0 * beside.served(Low) * 12.0,
            100.0 * busy(&beside, places),
        );
        let served = beside.served(High);
        assert!(served >= least - LAX, "{served} is less than {least}");
        let most_idle = if queue == 0 { 0.2 } else { 0.01 };
        assert!(busy(&beside, places) >= 1.0 - most_idle - LAX);
    }
}

pub(crate) fn what_users_leave_is_lent_to_the_batch() {
    for queue in [64, 0] {
        let config = ShedConfig::default().shares(SharesConfig::default());
        let tally = run(&config.queue(queue).limit(64), 64, &[(Low, 12.0)]);
        let busy = busy(&tally, 64);
        println!(
            "batch alone, queue {queue}: {:.1}% of all places",
            100.0 * busy
        );
        assert!(busy >= 0.99, "{busy}");
    }
}

pub(crate) fn a_flood_of_users_leaves_the_batch_its_share() {
    let shares = SharesConfig::default().share(Low, Ratio::percent(20));
    let config = ShedConfig::default().shares(shares).limit(50);
    let tally = run(&config, 50, &[(High, 5.0), (Low, 0.15)]);
    let (served, busy) = (tally.served(Low), busy(&tally, 50));
    println!("batch at 0.15× beside users at 5×: {:.2}%", 100.0 * served);
    assert!(served >= 0.99 - LAX, "{served}");
    assert!(busy >= 0.99, "{busy}");
}

/// Runs users and batch, each at a multiple of the capacity.
fn run(config: &ShedConfig, places: u32, offered: &[(Criticality, f64)]) -> Tally {
    let simulate = |seed: u64| {
        let mut world = World::new(config.clone(), places as usize, SERVICE, seed);
        world.deadline = Some(DEADLINE);
        let seconds = |calls: f64| calls / world.capacity();
        let (before, long) = (seconds(CALLS / 20.0), seconds(CALLS));
        world.offer_each(offered).run(before);
        world.run(long)
    };
    over_seeds(SEEDS, simulate)
}

/// The share of calls at this load that a queue of this length for one server admits.
fn served_by_queue(load: f64, length: i32) -> f64 {
    let states: f64 = (0..=length).map(|waiting| load.powi(waiting)).sum();
    1.0 - load.powi(length) / states
}

/// The mean share of the slots in use.
fn busy(tally: &Tally, places: u32) -> f64 {
    tally.busy / tally.seconds / f64::from(places)
}

const SERVICE: Service = Service::Exponential(0.01);
/// The deadline of users and batch, in seconds, which callers send.
const DEADLINE: f64 = 0.2;
const SEEDS: std::ops::Range<u64> = if cfg!(debug_assertions) {
    9_001..9_002
} else {
    9_001..9_007
};
/// The number of calls that the slots can serve in one run.
const CALLS: f64 = if cfg!(debug_assertions) { 4e3 } else { 1e5 };
/// The additional tolerance of short runs.
const LAX: f64 = if cfg!(debug_assertions) { 0.05 } else { 0.0 };
