use buttress_core::limit::LimitConfig;

use crate::world::{Tally, World};

/// Twenty workers that take 50 ms on average, exponentially, and callers who want an answer within 250 ms. An
/// exponential time is longer than that once in 148 times, so 0.993 of capacity is what perfection could reach.
const WORKERS: usize = 20;
const SERVICE: f64 = 0.05;
const OBJECTIVE: f64 = 0.25;

#[test]
fn the_default_keeps_goodput_at_capacity_whatever_is_offered() {
    println!("offered  goodput / capacity   p50 ms  p99 ms  refused   limit");
    for times in [0.5, 0.8, 1.2, 1.5, 2.0, 3.0, 4.0] {
        let tally = run(&LimitConfig::default(), times);
        print(times, &tally);
        let p99 = tally.percentile(0.99);
        assert!(p99 <= OBJECTIVE + tolerance(), "p99 of {p99} at {times}");
        if times < 1.0 {
            assert!(tally.unanswered() < 0.001, "refused at {times}");
        } else {
            let goodput = tally.goodput(OBJECTIVE) / CAPACITY;
            assert!(goodput >= 0.985 - tolerance(), "{goodput} at {times}");
        }
    }
}

#[test]
fn the_others_beside_it() {
    let others = [
        ("none", LimitConfig::fixed(LimitConfig::MAX)),
        ("fixed, 22", LimitConfig::fixed(22)),
        (
            "aimd, 250 ms",
            LimitConfig::aimd(std::time::Duration::from_millis(250)),
        ),
        ("vegas", LimitConfig::vegas()),
        ("gradient", LimitConfig::gradient()),
    ];
    for (name, config) in others {
        println!("{name}");
        for times in [0.8, 1.2, 4.0] {
            let mut world = World::new(config.clone(), WORKERS, SERVICE, 1);
            world.offer(times).run(60.0);
            print(times, &world.run(300.0));
        }
    }
}

fn run(config: &LimitConfig, times: f64) -> Tally {
    let mut all = Tally::default();
    for seed in 1..=seeds() {
        let mut world = World::new(config.clone(), WORKERS, SERVICE, seed);
        world.offer(times).run(60.0);
        all.add(world.run(300.0));
    }
    all
}

fn print(times: f64, tally: &Tally) {
    println!(
        "{times:>6}x {:>18.4} {:>8.0} {:>7.0} {:>7.2}% {:>6.1} ({} … {})",
        tally.goodput(OBJECTIVE) / CAPACITY,
        tally.percentile(0.5) * 1e3,
        tally.percentile(0.99) * 1e3,
        tally.unanswered() * 1e2,
        tally.mean_limit(),
        tally.least,
        tally.most,
    );
}

const CAPACITY: f64 = WORKERS as f64 / SERVICE;

/// What the figures are claimed for takes a while without optimizations, where a glance must do.
fn seeds() -> u64 {
    if cfg!(debug_assertions) { 1 } else { 10 }
}

fn tolerance() -> f64 {
    if cfg!(debug_assertions) { 0.02 } else { 0.0 }
}
