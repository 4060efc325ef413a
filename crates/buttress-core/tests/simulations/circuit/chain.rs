//! Three tiers: a client calls B, and B calls C, each through breakers, and the client retries within a budget of 10 %.

use super::breaker::{Breaker, Kind, Reply};
use super::mean;
use crate::dice::Dice;

/// C fails 40 % of its calls for a minute.
pub(crate) fn a_failing_third_tier() {
    println!("success                  within   10-30 s after");
    for kind in Kind::ALL {
        let [within, after] =
            over_seeds(|seed| Chain::new(kind, 3, seed).run(60.0, Fault::Third(0.4)));
        println!("{:<24} {within:>6.3} {after:>15.3}", kind.name());
        if kind == Kind::Ours {
            assert!(within >= 0.64, "{within}");
            assert!(after >= 0.99, "{after}");
        }
    }
}

/// B stops for 20 s.
pub(crate) fn a_stopped_second_tier() {
    println!("success           10-30 s after");
    for kind in Kind::ALL {
        let [_, after] = over_seeds(|seed| Chain::new(kind, 3, seed).run(20.0, Fault::Second));
        println!("{:<24} {after:>8.3}", kind.name());
        if kind == Kind::Ours {
            assert!(after >= 0.99, "{after}");
        }
    }
}

/// Every share of failures, of a single client and of a fleet, in the last of two and of three tiers.
///
/// Below the threshold, the breaker serves what no breaker serves; above it, it rejects calls of which some would have
/// succeeded, which is what it is configured to do. Once the failures end, nothing is lost in either case.
pub(crate) fn never_worse_than_none() {
    if cfg!(debug_assertions) {
        return;
    }
    println!("failing   clients   within: none    ours    10-30 s after: none    ours");
    for clients in [1, 10] {
        for percent in [5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100] {
            let share = f64::from(percent) / 100.0;
            let run = |kind| {
                over_seeds(|seed| Chain::new(kind, clients, seed).run(60.0, Fault::Third(share)))
            };
            let ([none, none_after], [ours, ours_after]) = (run(Kind::None), run(Kind::Ours));
            println!(
                "{percent:>5} % {clients:>9} {none:>14.3} {ours:>7.3} {none_after:>22.3} {ours_after:>7.3}"
            );
            assert!(percent > 40 || ours >= none - 0.005, "{ours} of {none}");
            assert!(ours_after >= none_after - 0.001, "{ours_after}");
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    /// B answers nothing.
    Second,
    /// C fails this share of its calls.
    Third(f64),
}

struct Chain {
    clients: Vec<Client>,
    /// The breakers in front of C, one for each instance of B.
    third: Vec<Box<dyn Breaker>>,
    dice: Dice,
}

struct Client {
    breaker: Box<dyn Breaker>,
    /// Tenths of a retry.
    budget: u32,
}

impl Chain {
    fn new(kind: Kind, instances: u64, seed: u64) -> Self {
        Self {
            clients: (0..instances)
                .map(|n| Client {
                    breaker: kind.build(seed + 100 * n),
                    budget: 0,
                })
                .collect(),
            third: (0..instances)
                .map(|n| kind.build(seed + 100 * n + 50))
                .collect(),
            dice: Dice::new(seed),
        }
    }

    /// The share of calls that succeed during the fault, and from 10 to 30 s after it, at 30 calls a second.
    fn run(mut self, lasts: f64, fault: Fault) -> [f64; 2] {
        let (mut now, mut served, mut offered) = (0.0, [0_u64; 2], [0_u64; 2]);
        let end = 60.0 + lasts;
        while now < end + 30.0 {
            now += self.dice.exponential(1.0 / 30.0);
            let failing = (60.0..end).contains(&now);
            let success = self.call(now, failing.then_some(fault));
            let period = match now {
                _ if failing => 0,
                _ if now >= end + 10.0 => 1,
                _ => continue,
            };
            offered[period] += 1;
            served[period] += u64::from(success);
        }
        [0, 1].map(|period| served[period] as f64 / offered[period] as f64)
    }

    fn call(&mut self, now: f64, fault: Option<Fault>) -> bool {
        let Self {
            clients,
            third,
            dice,
        } = self;
        let chosen = (dice.uniform() * clients.len() as f64) as usize;
        let client = &mut clients[chosen];
        client.budget = (client.budget + 1).min(100);
        loop {
            let instance = (dice.uniform() * third.len() as f64) as usize;
            let c = &mut third[instance];
            let reply = client.breaker.call(now, &mut || match fault {
                Some(Fault::Second) => Reply::Failure,
                None => c.call(now, &mut || Reply::Success),
                Some(Fault::Third(share)) => c.call(now, &mut || match dice.uniform() < share {
                    true => Reply::Failure,
                    false => Reply::Success,
                }),
            });
            match reply {
                Reply::Success => return true,
                Reply::Failure if client.budget >= 10 => client.budget -= 10,
                Reply::Failure | Reply::Refused => return false,
            }
        }
    }
}

fn over_seeds(run: impl Fn(u64) -> [f64; 2]) -> [f64; 2] {
    [0, 1].map(|period: usize| mean(|seed| run(seed)[period]))
}
