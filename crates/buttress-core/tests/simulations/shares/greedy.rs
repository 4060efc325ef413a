//! One tenant that sends a hundred times its load, next to others with unchanged load.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use buttress_core::shares::{Tenant, Tenants, TenantsConfig};

use super::dice::Dice;

pub(crate) fn a_tenant_at_a_hundred_times_its_load_leaves_the_others_what_they_had() {
    println!("queue  tenants  load    worst of the others  the greedy one  of all places");
    for (queue, count, load) in [
        (0, 20, 0.3),
        (0, 20, 0.6),
        (0, 2, 0.05),
        (64, 2, 0.05),
        (64, 20, 0.3),
        (64, 5, 0.8),
        (64, 20, 0.8),
        (64, 200, 0.8),
    ] {
        let alone = World::new(queue, count, load, 1.0).run();
        let beside = World::new(queue, count, load, 100.0).run();
        let kept = |tenants: std::ops::Range<usize>| {
            let sum = |served: &[f64]| served[tenants.clone()].iter().sum::<f64>();
            sum(&beside.served) / sum(&alone.served)
        };
        // A single tenant has too few calls for a significant result.
        let group = (count - 1).div_ceil(4);
        let worst = (1..count)
            .step_by(group)
            .map(|first| kept(first..count.min(first + group)))
            .fold(f64::MAX, f64::min);
        println!(
            "{queue:>5} {count:>8} {load:>5.2}× {:>18.1}% {:>14.1}× {:>13.1}%",
            100.0 * worst,
            kept(0..1),
            100.0 * beside.busy
        );
        assert!(worst >= 0.95, "{worst}");
        // With a queue, room is reserved in the queue, so the slots are nearly all in use.
        let least = if queue == 0 { 0.65 } else { 0.97 };
        assert!(beside.busy >= least, "{}", beside.busy);
    }
}

pub(crate) fn without_a_rule_the_others_are_crowded_out() {
    let count = 20;
    let alone = World::new(64, count, 0.6, 1.0).run();
    let mut world = World::new(64, count, 0.6, 100.0);
    world.ruled = false;
    let beside = world.run();
    let kept = beside.served[1..].iter().sum::<f64>() / alone.served[1..].iter().sum::<f64>();
    println!("without a rule: {:.1}%", 100.0 * kept);
    assert!(kept < 0.5, "{kept}");
}

/// Slots, a queue in order of arrival, and tenants of which the first may be greedy.
struct World {
    queue: usize,
    /// The calls per second of each tenant.
    offered: Vec<f64>,
    ruled: bool,
    tenants: Tenants,
    names: Vec<Tenant>,
    dice: Dice,
}

struct Tally {
    served: Vec<f64>,
    /// The mean share of slots in use.
    busy: f64,
}

impl World {
    /// `load` is the offered load of all tenants as a share of the capacity, before the first sends `times` as much.
    fn new(queue: usize, count: usize, load: f64, times: f64) -> Self {
        let tenants = Tenants::new(TenantsConfig::default(), 7).expect("within bounds");
        let mut offered = vec![load * PLACES as f64 / SERVICE / count as f64; count];
        offered[0] *= times;
        Self {
            queue,
            offered,
            ruled: true,
            names: (0..count)
                .map(|n| tenants.tenant(&n.to_le_bytes()))
                .collect(),
            tenants,
            dice: Dice(0x9E37_79B9_7F4A_7C15),
        }
    }

    fn run(mut self) -> Tally {
        let start = Instant::now();
        let count = self.offered.len();
        let total: f64 = self.offered.iter().sum();
        let greedy = self.offered[0] / total;
        let mut served = vec![0.0; count];
        let mut waiting: VecDeque<usize> = VecDeque::new();
        let mut ends: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        let (mut now, mut next, mut busy) = (0.0, 0.0, 0.0);
        while now < SECONDS {
            let done = ends.peek().map_or(f64::MAX, |end| end.0.0 as f64 / 1e9);
            let at = done.min(next);
            busy += (at - now) * ends.len() as f64;
            now = at;
            if next < done {
                next = now + self.dice.exponential(1.0 / total);
                let tenant = if count == 1 || self.dice.uniform() < greedy {
                    0
                } else {
                    1 + self.dice.below(count - 1)
                };
                let room = ends.len() + waiting.len() < PLACES + self.queue;
                let instant = start + Duration::from_secs_f64(now);
                if room && self.admits(tenant, instant) {
                    waiting.push_back(tenant);
                }
            } else if let Some(Reverse((_, tenant))) = ends.pop() {
                served[tenant] += 1.0;
                self.tenants.release(self.names[tenant]);
            }
            while ends.len() < PLACES
                && let Some(tenant) = waiting.pop_front()
            {
                let end = now + self.dice.exponential(SERVICE);
                ends.push(Reverse(((end * 1e9) as u64, tenant)));
            }
        }
        Tally {
            served,
            busy: busy / now / PLACES as f64,
        }
    }

    fn admits(&mut self, tenant: usize, now: Instant) -> bool {
        let name = self.names[tenant];
        if !self.ruled {
            self.tenants.force_acquire(name);
            return true;
        }
        self.tenants.admit(name, (PLACES + self.queue) as u64, now)
    }
}

const PLACES: usize = 64;
/// The mean time a call takes, in seconds.
const SERVICE: f64 = 0.05;
const SECONDS: f64 = if cfg!(debug_assertions) { 60.0 } else { 300.0 };
