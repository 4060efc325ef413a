//! Fleets of clients of one dependency, at ten times its capacity. A rejection costs the dependency a tenth of a call.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use buttress_core::{FailureKind, Outcome, Throttle, ThrottleConfig};

use crate::dice::Dice;

/// The calls per second that the dependency serves if it rejects none.
const CAPACITY: f64 = 1_000.0;
const REJECTION: f64 = 0.1;
const LATENCY: f64 = 0.05;
const SEEDS: std::ops::Range<u64> = 401..404;
const WARM: f64 = 180.0;
const MEASURED: f64 = 60.0;

/// The throttle of one client.
trait Member {
    fn sends(&mut self, now: f64, dice: &mut Dice) -> bool;
    fn hears(&mut self, now: f64, accepted: bool);
}

type Make = fn() -> Box<dyn Member>;

/// The fleet's sizes, and what ours must serve of the capacity.
const FLEETS: [(usize, f64); 5] = [
    (1, 0.9),
    (10, 0.9),
    (100, 0.9),
    (1_000, 0.88),
    (10_000, 0.8),
];

pub(crate) fn fleets_at_ten_times_the_capacity_leave_it_to_work() {
    let clients: [(&str, Make); 4] = [
        ("nothing held back", || Box::new(Free)),
        ("SRE, K = 2, 2 min", || {
            Box::new(Lots::new(2.0, 120.0, 1.0, true))
        }),
        ("Envoy, 95 %, 30 s", || {
            Box::new(Lots::new(1.0 / 0.95, 30.0, 0.8, false))
        }),
        ("default", || Box::new(Ours::new())),
    ];
    println!("served / capacity, by clients");
    println!("                             1     10    100   1000  10000");
    for (name, make) in clients {
        if cfg!(debug_assertions) && name != "default" {
            continue;
        }
        print!("{name:<24}");
        for (size, least) in FLEETS {
            let seeds = if cfg!(debug_assertions) {
                SEEDS.start..SEEDS.start + 1
            } else {
                SEEDS
            };
            let count = seeds.end - seeds.start;
            let served = seeds.map(|seed| served(seed, size, make)).sum::<f64>() / count as f64;
            print!(" {served:>6.3}");
            if name == "default" {
                assert!(served >= least, "{size} clients: {served}");
            }
        }
        println!();
    }
}

pub(crate) fn few_calls_that_fail_now_and_then_are_never_held_back() {
    println!("calls held back in an hour   of 1/s    of 5/s   of 50/s");
    for failing in [0.1, 0.2, 0.3] {
        let held_back = [1.0, 5.0, 50.0].map(|rate| {
            let mut dice = Dice::new(SEEDS.start);
            let mut client = Ours::new();
            let (mut now, mut held_back) = (0.0, 0);
            while now < 3_600.0 {
                now += dice.exponential(1.0 / rate);
                if client.sends(now, &mut dice) {
                    client.hears(now, dice.uniform() >= failing);
                } else {
                    held_back += 1;
                }
            }
            held_back
        });
        print!("{:>4.0} % failing           ", failing * 100.0);
        held_back.iter().for_each(|count| print!(" {count:>9}"));
        println!();
        assert_eq!(held_back, [0; 3], "at {failing}");
    }
}

pub(crate) fn a_client_with_few_calls_is_back_after_an_outage() {
    println!("an outage of 1000 s          sent in it  all sent again after");
    for rate in [1.0, 10.0] {
        let mut dice = Dice::new(SEEDS.start);
        let mut client = Ours::new();
        let (mut now, mut offered, mut sent) = (0.0, 0.0, 0.0);
        let (mut in_a_row, mut back) = (0, f64::NAN);
        while now < 1_600.0 && in_a_row < 50 {
            now += dice.exponential(1.0 / rate);
            let sends = client.sends(now, &mut dice);
            let is_out = (100.0..1_100.0).contains(&now);
            if sends {
                client.hears(now, !is_out);
            }
            if is_out {
                offered += 1.0;
                sent += f64::from(u8::from(sends));
            } else if now > 1_100.0 {
                if in_a_row == 0 {
                    back = now - 1_100.0;
                }
                in_a_row = if sends { in_a_row + 1 } else { 0 };
            }
        }
        let share = sent / offered;
        println!(
            "{rate:>4.0}/s                    {:>9.1}% {back:>16.0} s",
            share * 100.0
        );
        assert!(share <= 0.3, "{share}");
        assert!(back <= 200.0 / rate + 20.0, "{back}");
    }
}

/// The calls served by a dependency, as a share of its capacity.
fn served(seed: u64, size: usize, make: Make) -> f64 {
    let mut dice = Dice::new(seed);
    let mut clients: Vec<_> = (0..size).map(|_| make()).collect();
    let mut answers: VecDeque<(f64, usize, bool)> = VecDeque::new();
    let (mut now, mut room, mut served) = (0.0, 0.0_f64, 0.0);
    while now < WARM + MEASURED {
        let gap = dice.exponential(1.0 / (10.0 * CAPACITY));
        now += gap;
        while let Some(&(at, client, accepted)) = answers.front()
            && at <= now
        {
            answers.pop_front();
            clients[client].hears(at, accepted);
        }
        room = (room + gap * CAPACITY).min(CAPACITY / 10.0);
        let client = (dice.uniform() * size as f64) as usize;
        if !clients[client].sends(now, &mut dice) {
            continue;
        }
        let accepted = room >= 1.0;
        room -= if accepted { 1.0 } else { REJECTION };
        // Work that it has no time for is dropped with the connection.
        room = room.max(-CAPACITY / 10.0);
        served += f64::from(u8::from(accepted && now >= WARM));
        answers.push_back((now + LATENCY, client, accepted));
    }
    served / (MEASURED * CAPACITY)
}

struct Free;

impl Member for Free {
    fn sends(&mut self, _: f64, _: &mut Dice) -> bool {
        true
    }

    fn hears(&mut self, _: f64, _: bool) {}
}

/// The rule of SRE's chapter 21, and of Envoy's admission control: see [`super::client`].
struct Lots {
    multiple: f64,
    window: f64,
    most: f64,
    counts_own: bool,
    requests: VecDeque<f64>,
    accepts: VecDeque<f64>,
}

impl Lots {
    fn new(multiple: f64, window: f64, most: f64, counts_own: bool) -> Self {
        Self {
            multiple,
            window,
            most,
            counts_own,
            requests: VecDeque::new(),
            accepts: VecDeque::new(),
        }
    }
}

impl Member for Lots {
    fn sends(&mut self, now: f64, dice: &mut Dice) -> bool {
        for times in [&mut self.requests, &mut self.accepts] {
            while times.front().is_some_and(|at| now - at > self.window) {
                times.pop_front();
            }
        }
        let (requests, accepts) = (self.requests.len() as f64, self.accepts.len() as f64);
        let held_back = (requests - self.multiple * accepts) / (requests + 1.0);
        let sends = dice.uniform() >= held_back.min(self.most);
        if sends || self.counts_own {
            self.requests.push_back(now);
        }
        sends
    }

    fn hears(&mut self, now: f64, accepted: bool) {
        if accepted {
            self.accepts.push_back(now);
        }
    }
}

/// The rule under test.
struct Ours {
    origin: Instant,
    throttle: Throttle,
}

impl Ours {
    fn new() -> Self {
        let origin = Instant::now();
        let throttle = Throttle::new(ThrottleConfig::default(), origin);
        Self {
            throttle: throttle.expect("the defaults are within their bounds"),
            origin,
        }
    }

    fn at(&self, now: f64) -> Instant {
        self.origin + Duration::from_secs_f64(now)
    }
}

impl Member for Ours {
    fn sends(&mut self, now: f64, dice: &mut Dice) -> bool {
        self.throttle.admit(self.at(now), || dice.bits()).is_ok()
    }

    fn hears(&mut self, now: f64, accepted: bool) {
        let outcome = if accepted {
            Outcome::Success
        } else {
            Outcome::Failure(FailureKind::Overload)
        };
        self.throttle.settle(outcome, self.at(now));
    }
}
