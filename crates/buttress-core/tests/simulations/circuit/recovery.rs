//! How soon calls are served again after an outage.

use super::breaker::{Kind, Reply};
use super::mean;
use crate::dice::Dice;

/// A dependency that is up and down for the same time, at 100 calls a second.
pub(crate) fn up_and_down() {
    println!("served of what could be    1 s / 1 s   10 s / 10 s   60 s / 60 s");
    for kind in Kind::ALL {
        let [short, middle, long] =
            [1.0, 10.0, 60.0].map(|phase| mean(|seed| served(kind, phase, seed)));
        println!(
            "{:<24} {short:>11.3} {middle:>13.3} {long:>13.3}",
            kind.name()
        );
        if kind == Kind::Ours {
            assert!(middle >= 0.97, "{middle}");
            assert!(long >= 0.97, "{long}");
            assert!(short >= 0.8, "{short}");
        }
    }
}

fn served(kind: Kind, phase: f64, seed: u64) -> f64 {
    let mut breaker = kind.build(seed);
    let mut dice = Dice::new(seed);
    let (mut now, mut could, mut was) = (0.0, 0_u64, 0_u64);
    while now < 40.0 * phase {
        now += dice.exponential(0.01);
        let up = ((now / phase) as u64).is_multiple_of(2);
        let reply = breaker.call(now, &mut || match up {
            true => Reply::Success,
            false => Reply::Failure,
        });
        could += u64::from(up);
        was += u64::from(reply == Reply::Success);
    }
    was as f64 / could as f64
}

/// A thousand clients with one call a second each, after an outage of 300 s. The dependency can serve 1.2 times as many.
pub(crate) fn a_fleet_after_an_outage() {
    println!(
        "goodput after the outage     0-10 s   10-30 s   30-60 s   most sent in a second / capacity"
    );
    for kind in Kind::ALL {
        let [first, second, third, peak] = fleet(kind);
        println!(
            "{:<24} {first:>10.2} {second:>9.2} {third:>9.2} {peak:>20.2}",
            kind.name()
        );
        if kind == Kind::Ours {
            assert!(first >= 0.5, "{first}");
            assert!(second >= 0.97, "{second}");
            assert!(third >= 0.999, "{third}");
            assert!(peak <= 1.0, "{peak}");
        }
    }
}

fn fleet(kind: Kind) -> [f64; 4] {
    let mut clients: Vec<_> = (0..1_000).map(|seed| kind.build(9_000 + seed)).collect();
    let mut dice = Dice::new(8_000);
    let (mut now, mut served, mut offered) = (0.0, [0_u64; 3], [0_u64; 3]);
    let mut sent = vec![0_u64; 421];
    while now < 420.0 {
        now += dice.exponential(0.001);
        let down = (60.0..360.0).contains(&now);
        let client = (dice.uniform() * 1_000.0) as usize;
        let load = &mut sent[now as usize];
        let reply = clients[client].call(now, &mut || {
            *load += 1;
            match down || *load > 1_200 {
                true => Reply::Failure,
                false => Reply::Success,
            }
        });
        let period = match now - 360.0 {
            after if after < 0.0 => continue,
            after if after < 10.0 => 0,
            after if after < 30.0 => 1,
            _ => 2,
        };
        offered[period] += 1;
        served[period] += u64::from(reply == Reply::Success);
    }
    let peak = sent.iter().max().map_or(0.0, |&most| most as f64 / 1_200.0);
    let share = |period: usize| served[period] as f64 / offered[period] as f64;
    [share(0), share(1), share(2), peak]
}
