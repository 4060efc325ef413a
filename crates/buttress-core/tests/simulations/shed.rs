//! The whole default shedder: limit, queue and margin together.

use std::time::Duration;

use buttress_core::limit::LimitConfig;
use buttress_core::shed::ShedConfig;

use crate::service::Service;
use crate::tally::{Tally, over_seeds};
use crate::world::{Bodies, World};

const SERVICE: Service = Service::Exponential(0.05);
/// The time within which callers need the response. An exponential service time is longer in one case of 148, so a
/// goodput of 0.993 of the capacity is the maximum.
const OBJECTIVE: f64 = 0.25;
const LOADS: &[f64] = if cfg!(debug_assertions) {
    &[0.8, 1.2, 4.0]
} else {
    &[0.5, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0, 4.0, 10.0]
};
/// Seeds that were not used to tune constants.
const SEEDS: std::ops::Range<u64> = if cfg!(debug_assertions) {
    9_001..9_002
} else {
    9_001..9_011
};
/// The number of calls that could be served before the measurement, and during it.
const CALLS: (f64, f64) = if cfg!(debug_assertions) {
    (4e3, 6e3)
} else {
    (24e3, 120e3)
};
/// Short runs have wider bounds.
const LAX: f64 = if cfg!(debug_assertions) { 0.04 } else { 0.0 };
/// Two cold starts of thirty settle on a knee that is a fifth too low, and stay there for longer than a short run.
const COLD: f64 = if cfg!(debug_assertions) { 0.16 } else { 0.0 };

pub(crate) fn default() {
    for deadline in [Some(OBJECTIVE), None, Some(1.0)] {
        match deadline {
            Some(OBJECTIVE) => println!("callers say that they wait for 250 ms"),
            _ if cfg!(debug_assertions) => return,
            Some(seconds) => println!("callers say that they wait for {} ms", seconds * 1e3),
            None => println!("callers do not say how long they wait"),
        }
        header();
        for &times in LOADS {
            let tally = run(&ShedConfig::default(), 20, SERVICE, times, deadline);
            row("default", times, &tally, OBJECTIVE);
            if times <= 0.8 {
                assert!(tally.refused() < 0.001 + LAX, "refused at {times}");
            }
            if times > 1.0 {
                // The target is 0.985. At 1.2 times the capacity the default narrowly misses it, as does the best fixed
                // limit, 23 for twenty workers. The mean of ten seeds varies by 0.0007, and the bound allows a few
                // times that.
                let least = if times < 1.5 { 0.981 } else { 0.985 };
                let goodput = tally.goodput(OBJECTIVE);
                assert!(goodput >= least - COLD, "{goodput} at {times}");
                // A limit that is too high falls by one hundredth at a time: one seed in ten has a p99 of up to 275 ms
                // for some minutes. At 1.2 times about one response in a hundred is late anyway.
                let late = if times < 1.5 { 1.05 } else { 1.02 };
                let p99 = tally.percentile(0.99);
                assert!(p99 <= OBJECTIVE * late + LAX, "p99 of {p99} at {times}");
            }
        }
    }
}

/// All with the default queue, unless the name says otherwise.
pub(crate) fn others() {
    if cfg!(debug_assertions) {
        return;
    }
    let with = |limit: LimitConfig| ShedConfig::default().limit(limit);
    let fixed = |limit| with(LimitConfig::fixed(limit));
    let aimd = LimitConfig::aimd(Duration::from_millis(250));
    header();
    for (name, config) in [
        ("default", ShedConfig::default()),
        ("fixed at the workers", fixed(20)),
        ("fixed at 22", fixed(22)),
        ("fixed at 24", fixed(24)),
        ("fixed, twice too high", fixed(40)),
        ("fixed, half too low", fixed(10)),
        ("AIMD, 250 ms", with(aimd)),
        ("Vegas", with(LimitConfig::vegas())),
        ("Gradient2", with(LimitConfig::gradient())),
        ("default, no queue", ShedConfig::default().queue(0)),
        ("Vegas, no queue", with(LimitConfig::vegas()).queue(0)),
        (
            "Gradient2, no queue",
            with(LimitConfig::gradient()).queue(0),
        ),
    ] {
        for times in [0.8, 1.2, 4.0] {
            let tally = run(&config, 20, SERVICE, times, Some(OBJECTIVE));
            row(name, times, &tally, OBJECTIVE);
        }
    }
}

/// Callers wait for five times the mean service time.
pub(crate) fn services() {
    if cfg!(debug_assertions) {
        return;
    }
    header();
    for (name, workers, service) in [
        ("4 of 10 ms", 4, Service::Exponential(0.01)),
        ("100 of 20 ms", 100, Service::Exponential(0.02)),
        ("200 of 250 ms", 200, Service::Exponential(0.25)),
        ("20 of 50 ms, log-normal", 20, Service::LogNormal(0.05)),
        ("20 of 50 ms, bimodal", 20, Service::Bimodal(0.05)),
        ("20 of 50 ms, constant", 20, Service::Constant(0.05)),
    ] {
        let objective = 5.0 * service.mean();
        for times in [0.8, 1.2, 2.0, 4.0] {
            let deadline = Some(objective);
            let tally = run(&ShedConfig::default(), workers, service, times, deadline);
            row(name, times, &tally, objective);
            if times > 1.0 {
                let known = ShedConfig::default().limit(workers as u32);
                let known = run(&known, workers, service, times, deadline);
                row("  fixed at the workers", times, &known, objective);
                let (ours, theirs) = (tally.goodput(objective), known.goodput(objective));
                // The fixed limit at the number of workers is the optimum.
                assert!(ours >= theirs - 0.035 - LAX, "{ours} and {theirs}, {name}");
            }
        }
    }
}

/// A sequence of changes of a service.
pub(crate) fn changes() {
    if cfg!(debug_assertions) {
        return;
    }
    header();
    let mut worlds: Vec<World> = SEEDS
        .map(|seed| {
            let mut world = World::new(ShedConfig::default(), 20, SERVICE, seed);
            world.deadline = Some(OBJECTIVE);
            world
        })
        .collect();
    let mut phase = |name, times, seconds, change: &dyn Fn(&mut World)| {
        let mut all = Tally::default();
        for world in &mut worlds {
            change(world);
            all.add(world.offer(times).run(seconds));
        }
        row(name, times, &all, OBJECTIVE);
        all
    };
    let nothing = |_: &mut World| {};
    phase("cold, at once too much", 4.0, 5.0, &nothing);
    phase("  25 s later", 4.0, 20.0, &nothing);
    let steady = phase("  a minute later", 4.0, 60.0, &nothing);
    assert!(steady.goodput(OBJECTIVE) >= 0.98 - LAX);
    phase("half of the workers gone", 4.0, 10.0, &|world| {
        world.workers = 10
    });
    let fewer = phase("  10 s later", 4.0, 60.0, &nothing);
    assert!(fewer.goodput(OBJECTIVE) >= 0.95 - LAX);
    phase("they are back", 4.0, 10.0, &|world| world.workers = 20);
    phase("  10 s later", 4.0, 50.0, &nothing);
    let back = phase("  a minute later", 4.0, 60.0, &nothing);
    assert!(back.goodput(OBJECTIVE) >= 0.98 - LAX);
    phase("ebb", 0.7, 1.0, &nothing);
    let ebb = phase("  a second later", 0.7, 30.0, &nothing);
    assert!(ebb.refused() < 0.002 + LAX, "{}", ebb.refused());
    let slower = phase("slower calls, no overload", 0.7, 60.0, &|world| {
        world.service = Service::Exponential(0.1);
    });
    assert!(slower.refused() < 0.005 + LAX, "{}", slower.refused());
    phase("as ever", 0.7, 30.0, &|world| world.service = SERVICE);
    for _ in 0..3 {
        for times in [0.6, 1.0, 1.5, 2.0] {
            phase("sawtooth", times, 5.0, &nothing);
        }
    }
}

/// A service with a load of 0.7 loses eight of its ten workers for a while.
pub(crate) fn brown_out() {
    if cfg!(debug_assertions) {
        return;
    }
    header();
    for all in [10, 40, 200] {
        for long in [10.0, 40.0] {
            println!("{all} workers of 17.5 ms");
            let service = Service::Exponential(0.0175);
            let mut phases = [
                ("two of ten are left", 3.5, long, Tally::default()),
                ("  all are back", 0.7, 2.0, Tally::default()),
                ("  2 s later", 0.7, 10.0, Tally::default()),
            ];
            for seed in SEEDS {
                let mut world = World::new(ShedConfig::default(), all, service, seed);
                world.deadline = Some(0.9);
                world.offer(0.7).run(10.0);
                for (at, (_, _, seconds, tally)) in phases.iter_mut().enumerate() {
                    world.workers = if at == 0 { all / 5 } else { all };
                    tally.add(world.run(*seconds));
                }
            }
            for (what, times, seconds, tally) in &phases {
                row(&format!("{what}, {seconds} s"), *times, tally, 0.9);
            }
            let [(.., during), _, (.., after)] = &phases;
            assert!(during.goodput(0.9) >= 0.9, "{}", during.goodput(0.9));
            // At most 0.7 is possible, the offered load.
            assert!(after.goodput(0.9) >= 0.6, "{}", after.goodput(0.9));
        }
    }
}

/// The load is half of the capacity, and a share of the responses has a body of one minute, which needs no worker. The
/// shedder does not know which calls these are, so it rejects the same share of the others.
pub(crate) fn long_bodies() {
    let shares: &[f64] = if cfg!(debug_assertions) {
        &[0.01]
    } else {
        &[0.001, 0.01, 0.1]
    };
    header();
    for &share in shares {
        let of = |hold_places| {
            let mut all = Tally::default();
            for seed in SEEDS {
                let mut world = World::new(ShedConfig::default(), 20, SERVICE, seed);
                world.deadline = Some(OBJECTIVE);
                world.bodies = Some(Bodies {
                    share,
                    seconds: 60.0,
                    hold_places,
                });
                world.offer(0.5).run(60.0);
                all.add(world.run(60.0));
            }
            all
        };
        let (to_the_head, to_the_end) = (of(false), of(true));
        let percent = share * 1e2;
        row(
            &format!("{percent} %, to the head"),
            0.5,
            &to_the_head,
            OBJECTIVE,
        );
        row(
            &format!("{percent} %, to the end"),
            0.5,
            &to_the_end,
            OBJECTIVE,
        );
        let refused = to_the_head.refused();
        assert!(refused < 0.001 + LAX, "{refused} at {share}");
        // Holding slots to the end of the body must show rejections; otherwise the comparison says nothing.
        let held = to_the_end.refused();
        assert!(share < 0.01 || held > 0.05, "{held} at {share}");
    }
}

fn run(
    config: &ShedConfig,
    workers: usize,
    service: Service,
    times: f64,
    deadline: Option<f64>,
) -> Tally {
    let simulate = |seed: u64| {
        let mut world = World::new(config.clone(), workers, service, seed);
        world.deadline = deadline;
        let calls = |calls: f64| calls / world.capacity();
        let (before, long) = (calls(CALLS.0), calls(CALLS.1));
        world.offer(times).run(before);
        world.run(long)
    };
    over_seeds(SEEDS, simulate)
}

fn header() {
    println!(
        "{:<26} offered  goodput  answered / capacity  p50 ms  p99 ms  refused  limit",
        ""
    );
}

fn row(name: &str, times: f64, tally: &Tally, objective: f64) {
    let (least, most) = tally.limits();
    println!(
        "{name:<26} {times:>6}x {:>8.4} {:>20.4} {:>7.0} {:>7.0} {:>7.2}% {:>6.1} ({least} … {most})",
        tally.goodput(objective),
        tally.throughput(),
        tally.percentile(0.5) * 1e3,
        tally.percentile(0.99) * 1e3,
        tally.refused() * 1e2,
        tally.mean_limit(),
    );
}
