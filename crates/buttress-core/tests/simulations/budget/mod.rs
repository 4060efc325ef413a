//! Retry budgets after an outage: many clients of one server that serves in order of arrival.
//!
//! The server stops for ten seconds. Its callers time out after one second and it does not know when they leave, so while
//! its queue is longer than a second all of its work is wasted. The queue shortens only if calls and retries together
//! are less than the capacity.

mod client;
mod world;

use self::client::{Aws, Envoy, Finagle, Grpc, NoRetry, Ours, Policy, Unpaid};
use self::world::{CAPACITY, World};

const SEEDS: std::ops::Range<u64> = 301..311;
const CLIENTS: [usize; 5] = [1, 5, 20, 100, 1000];
/// The share of calls that succeed at last in a run that recovers. The others have none, or a few.
const RECOVERED: f64 = 0.95;

type Make = fn() -> Box<dyn Policy>;

/// How many of the seeds do not recover.
fn lost(load: f64, clients: usize, make: impl Fn() -> Box<dyn Policy> + Sync) -> usize {
    std::thread::scope(|scope| {
        let runs = SEEDS.map(|seed| {
            let make = &make;
            scope.spawn(move || World::new(seed, load, clients, make).goodput_at_last() < RECOVERED)
        });
        let runs: Vec<_> = runs.collect();
        runs.into_iter()
            .map(|run| usize::from(run.join().expect("a simulation does not panic")))
            .sum()
    })
}

pub(crate) fn after_an_outage_the_default_recovers() {
    if cfg!(debug_assertions) {
        let goodput = World::new(SEEDS.start, 0.8, 20, &|| Box::new(Ours::new())).goodput_at_last();
        println!("load 0.80, 20 clients: {goodput:.3}");
        assert!(goodput >= RECOVERED, "{goodput}");
        return;
    }
    println!("runs of {} that do not recover, by clients", SEEDS.count());
    println!("                              load     1     5    20   100  1000");
    let policies: [(&str, Make); 8] = [
        ("no retry", || Box::new(NoRetry)),
        ("every failure is retried", || Box::new(Unpaid)),
        ("Finagle, 20 %, 10/s", || Box::new(Finagle::default())),
        ("gRPC, 10 tokens, 0.1", || Box::new(Grpc::default())),
        ("Envoy, 20 %, 3", || Box::new(Envoy::default())),
        ("plain bucket, 500 tokens", || Box::new(Aws::default())),
        ("a floor of 10/s for each", || Box::new(Ours::with_floor())),
        ("default", || Box::new(Ours::new())),
    ];
    for load in [0.7, 0.93] {
        for (name, make) in &policies {
            let lost = CLIENTS.map(|clients| lost(load, clients, make));
            print!("{name:<30} {load:>3.2}");
            lost.iter().for_each(|lost| print!(" {lost:>5}"));
            println!();
            if *name == "default" {
                assert_eq!(lost, [0; CLIENTS.len()], "at {load}");
            }
        }
    }
}

pub(crate) fn the_floor_has_the_threshold_of_its_ratio() {
    if cfg!(debug_assertions) {
        return;
    }
    const RATIO: f64 = 0.2;
    let threshold = 1.0 / (1.0 + RATIO);
    println!(
        "a floor of {RATIO} and no successes that pay, capacity {CAPACITY}/s: runs of 10 that do not recover"
    );
    println!("load / threshold         1     5    20   100  1000");
    for part in [0.92, 0.95, 1.05, 1.08] {
        let lost = CLIENTS.map(|clients| {
            lost(part * threshold, clients, || {
                Box::new(Ours::floor_only(RATIO))
            })
        });
        print!("{part:>16.2}    ");
        lost.iter().for_each(|lost| print!(" {lost:>5}"));
        println!();
        let expected = if part < 1.0 { 0 } else { SEEDS.count() };
        assert_eq!(
            lost,
            [expected; CLIENTS.len()],
            "at {part} of the threshold"
        );
    }
}

pub(crate) fn the_share_of_the_floor() {
    if cfg!(debug_assertions) {
        return;
    }
    const LOADS: [f64; 5] = [0.8, 0.85, 0.9, 0.93, 0.95];
    println!("runs of {} that do not recover, 20 clients", SEEDS.count());
    println!("floor      0.80  0.85  0.90  0.93  0.95");
    for floor in [0.0, 0.02, 0.05, 0.1, 0.2] {
        let lost = LOADS.map(|load| lost(load, 20, || Box::new(Ours::with_floor_ratio(floor))));
        print!("{floor:<8.2}");
        lost.iter().for_each(|lost| print!(" {lost:>5}"));
        println!();
        if floor <= 0.02 {
            assert_eq!(lost, [0; LOADS.len()], "a floor of {floor}");
        }
    }
}
