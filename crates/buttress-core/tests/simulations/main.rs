#![allow(clippy::disallowed_methods, reason = "a simulation needs some moment to begin at")]
mod dice;
mod service;
mod tally;
mod world;
use buttress_core::limit::LimitConfig;
use buttress_core::shed::ShedConfig;
use service::Service;
use tally::Tally;
use world::World;

fn run(config: &ShedConfig, workers: usize, service: Service, times: f64, deadline: Option<f64>, seeds: std::ops::Range<u64>, length: f64) -> Tally {
    let mut all = Tally::default();
    for seed in seeds {
        let mut world = World::new(config.clone(), workers, service, seed);
        world.deadline = deadline;
        let second = 400.0 / world.capacity();
        world.offer(times).run(60.0 * second);
        all.add(world.run(length * second));
    }
    all
}

fn show(name: &str, times: f64, t: &Tally, objective: f64) {
    let (least, most) = t.limits();
    println!("{name:<26} {times:>5.1}x {:>8.4} {:>8.4} {:>8.1} {:>8.1} {:>8.3}% {:>7.1} ({least} … {most})",
        t.goodput(objective), t.throughput(), t.percentile(0.5)*1e3, t.percentile(0.99)*1e3, t.refused()*1e2, t.mean_limit());
}

fn env(name: &str, d: f64) -> f64 { std::env::var(name).ok().and_then(|s| s.parse().ok()).unwrap_or(d) }
fn base() -> ShedConfig {
    use std::time::Duration;
    use buttress_core::queue::Order;
    let mut c = ShedConfig::default();
    if let Ok(l) = std::env::var("LIMIT") { c = c.limit(l.parse::<u32>().unwrap()); }
    if let Ok(l) = std::env::var("MARGIN") { c = c.margin(Duration::from_secs_f64(l.parse::<f64>().unwrap() * 1e-3)); }
    if let Ok(l) = std::env::var("WAIT") { c = c.max_wait(Duration::from_secs_f64(l.parse::<f64>().unwrap() * 1e-3)); }
    if let Ok(l) = std::env::var("QUEUE") { c = c.queue(l.parse().unwrap()); }
    match std::env::var("ORDER").as_deref() { Ok("lifo") => c = c.order(Order::Lifo), Ok("fifo") => c = c.order(Order::Fifo),
       Ok(n) => c = c.order(Order::AdaptiveLifo{stands_after: Duration::from_secs_f64(n.parse::<f64>().unwrap()*1e-3)}), _ => {} }
    c
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let n: u64 = args.get(1).and_then(|s| s.parse().ok()).unwrap_or(4);
    let first: u64 = args.get(2).and_then(|s| s.parse().ok()).unwrap_or(1001);
    let what = args.get(3).cloned().unwrap_or_default();
    let seeds = || first..first + n;
    if what.is_empty() || what.contains('a') {
        for d in [Some(0.25), None, Some(1.0)] {
            println!("deadline {d:?}");
            for times in [0.5, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0, 4.0, 10.0] {
                let t = run(&base(), 20, Service::Exponential(0.05), times, d, seeds(), 300.0);
                show("default", times, &t, 0.25);
            }
        }
    }
    if what.contains('e') {
            for times in std::env::var("LOADS").unwrap_or("1.1 1.2 1.5 2.0 4.0".into()).split(" ").map(|s| s.parse::<f64>().unwrap()) {
                let t = run(&base(), 20, Service::Exponential(0.05), times, Some(0.25), seeds(), 300.0);
                show("env", times, &t, 0.25);
            }
    }
    if what.contains('o') {
        let d = ShedConfig::default;
        let c = [("fixed 20", d().limit(20)), ("fixed 22", d().limit(22)), ("fixed 24", d().limit(24)), ("fixed 40", d().limit(40)),
          ("vegas", d().limit(LimitConfig::vegas())), ("gradient", d().limit(LimitConfig::gradient())), ("aimd", d().limit(LimitConfig::aimd(std::time::Duration::from_millis(250))))];
        for (name, c) in c {
            for times in [0.8, 1.0, 1.2, 2.0, 4.0] {
                let t = run(&c, 20, Service::Exponential(0.05), times, Some(0.25), seeds(), 300.0);
                show(name, times, &t, 0.25);
            }
        }
    }
    if what.contains('w') {
        for (name, w, s) in [
            ("4 x 10 ms", 4, Service::Exponential(0.01)),
            ("100 x 20 ms", 100, Service::Exponential(0.02)),
            ("200 x 250 ms", 200, Service::Exponential(0.25)),
            ("20 x 50 ms lognormal", 20, Service::LogNormal(0.05)),
            ("20 x 50 ms bimodal", 20, Service::Bimodal(0.05)),
            ("20 x 50 ms constant", 20, Service::Constant(0.05)),
        ] {
            let o = 5.0 * s.mean();
            for times in [0.5, 0.8, 1.0, 1.2, 2.0, 4.0] {
                let t = run(&base(), w, s, times, Some(o), seeds(), 300.0);
                show(name, times, &t, o);
                if times >= 1.2 {
                let t = run(&base().limit(w as u32), w, s, times, Some(o), seeds(), 300.0);
                show("   fixed at the workers", times, &t, o);
                }
            }
        }
    }
}
