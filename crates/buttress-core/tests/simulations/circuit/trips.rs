//! When a breaker opens, and when it should not.

use super::breaker::{Kind, Reply};
use super::mean;
use crate::dice::Dice;

const DAY: f64 = 86_400.0;

/// A dependency that fails 30 % or 40 % of its calls, independently, is below the threshold of 50 %.
pub(crate) fn false_openings() {
    if cfg!(debug_assertions) {
        return;
    }
    println!("openings a day        30 % at 1/s, 3/s, 30/s, 300/s            40 % at 3/s");
    for kind in Kind::ALL {
        let few = [(1.0, 1.0), (3.0, 1.0), (30.0, 1.0), (300.0, 0.25)]
            .map(|(rate, days)| mean(|seed| openings(kind, rate, 0.3, days, seed)));
        let more = mean(|seed| openings(kind, 3.0, 0.4, 1.0, seed));
        let columns: String = few.iter().map(|n| format!("{n:>10.1}")).collect();
        println!("{:<22}{columns} {more:>18.1}", kind.name());
        if kind == Kind::Ours {
            for openings in few {
                assert!(openings < 1.0, "{openings}");
            }
        }
    }
}

fn openings(kind: Kind, rate: f64, share: f64, days: f64, seed: u64) -> f64 {
    let mut breaker = kind.build(seed);
    let mut dice = Dice::new(seed);
    let mut now = 0.0;
    while now < days * DAY {
        now += dice.exponential(1.0 / rate);
        breaker.call(now, &mut || fails(&mut dice, share));
    }
    breaker.openings() as f64 / days
}

/// The time until it opens, once a dependency that was well fails a share of its calls.
pub(crate) fn detection() {
    println!("seconds until open     3/s: 60 %    80 %   100 %     100/s: 60 %    80 %   100 %");
    for kind in Kind::ALL {
        let at = |rate| {
            [0.6, 0.8, 1.0].map(|share| mean(|seed| until_open(kind, rate, share, 120.0, seed)))
        };
        let (slow, fast) = (at(3.0), at(100.0));
        let row = |times: [f64; 3]| times.map(|time| format!("{time:>8.1}")).concat();
        println!("{:<20} {:>29} {:>34}", kind.name(), row(slow), row(fast));
        if kind == Kind::Ours {
            assert!(slow[2] <= 4.0 && fast[2] <= 0.2, "{slow:?} {fast:?}");
            assert!(fast[0] <= 8.3, "{fast:?}");
        }
    }
}

/// The time until it opens where calls are few and all fail.
pub(crate) fn thin_traffic() {
    println!("seconds until open      1/s      one in 30 s");
    for kind in Kind::ALL {
        let steady = |every: f64| {
            mean(|seed| {
                let mut breaker = kind.build(seed);
                let began = 100.0 * every + Dice::new(seed).uniform() * every;
                let opened = (0..1_000).map(|call| f64::from(call) * every).find(|&now| {
                    breaker.call(now, &mut || match now >= began {
                        true => Reply::Failure,
                        false => Reply::Success,
                    });
                    breaker.openings() > 0
                });
                opened.map_or(f64::INFINITY, |at| at - began)
            })
        };
        let (one, thin) = (steady(1.0), steady(30.0));
        println!("{:<20} {one:>6.1} {thin:>16.0}", kind.name());
        if kind == Kind::Ours {
            assert!(one <= 8.0, "{one}");
        }
    }
}

fn until_open(kind: Kind, rate: f64, share: f64, well: f64, seed: u64) -> f64 {
    let mut breaker = kind.build(seed);
    let mut dice = Dice::new(seed);
    let mut now = 0.0;
    while now < well + 600.0 {
        now += dice.exponential(1.0 / rate);
        let share = if now < well { 0.0 } else { share };
        breaker.call(now, &mut || fails(&mut dice, share));
        if breaker.openings() > 0 {
            return now - well;
        }
    }
    f64::INFINITY
}

fn fails(dice: &mut Dice, share: f64) -> Reply {
    match dice.uniform() < share {
        true => Reply::Failure,
        false => Reply::Success,
    }
}
