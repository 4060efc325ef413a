use std::time::{Duration, Instant};

use buttress_core::circuit::{BreakerConfig, Circuit};
use buttress_core::{Ending, Report};

use super::breaker::{Kind, Reply};
use super::mean;
use crate::dice::Dice;

/// One caller allows 50 ms for a route that takes 500 ms, and makes ten times as many calls as all others. These are
/// served in time: 95 % of theirs go to routes of 5 ms.
pub(crate) fn a_hasty_caller() {
    println!("of the other callers     served");
    for kind in Kind::ALL {
        // Its open time makes no difference here.
        if kind == Kind::Doubling {
            continue;
        }
        let served = mean(|seed| peer_or_ours(kind, seed));
        println!("{:<24} {served:>6.3}", kind.name());
        assert!(kind != Kind::Ours || served >= 0.999, "{served}");
    }
}

struct Call {
    began: f64,
    took: f64,
    hasty: bool,
}

/// The calls of ten minutes, by their ends.
fn calls(seed: u64) -> Vec<Call> {
    let mut dice = Dice::new(seed);
    let mut now = 0.0;
    let mut calls = Vec::new();
    while now < 600.0 {
        now += dice.exponential(0.01);
        // The hasty caller arrives when the breaker has seen a minute of the others.
        let hasty = now > 60.0 && dice.uniform() < 0.9;
        let took = match () {
            () if hasty => 0.05,
            () if dice.uniform() < 0.05 => 0.5,
            () => 0.005,
        };
        calls.push(Call {
            began: now,
            took,
            hasty,
        });
    }
    calls
}

fn peer_or_ours(kind: Kind, seed: u64) -> f64 {
    let calls = calls(seed);
    let mut served = 0_u64;
    if kind == Kind::Ours {
        served = ours(&calls, seed);
    } else {
        // Others take a timeout for a failure of the dependency, and are asked at the end of the call.
        let mut breaker = kind.build(seed);
        let mut by_end: Vec<&Call> = calls.iter().collect();
        by_end.sort_by(|a, b| (a.began + a.took).total_cmp(&(b.began + b.took)));
        for call in by_end {
            let reply = breaker.call(call.began + call.took, &mut || match call.hasty {
                true => Reply::Failure,
                false => Reply::Success,
            });
            served += u64::from(reply == Reply::Success);
        }
    }
    served as f64 / calls.iter().filter(|call| !call.hasty).count() as f64
}

fn ours(calls: &[Call], seed: u64) -> u64 {
    let epoch = Instant::now();
    let at = |seconds: f64| epoch + Duration::from_secs_f64(seconds);
    let circuit = Circuit::new(BreakerConfig::default(), epoch).expect("a valid configuration");
    let mut dice = Dice::new(seed);
    let mut served = 0;
    let mut events: Vec<_> = calls
        .iter()
        .enumerate()
        .flat_map(|(call, times)| {
            [
                (times.began, call, false),
                (times.began + times.took, call, true),
            ]
        })
        .collect();
    events.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut permits: Vec<_> = calls.iter().map(|_| None).collect();
    for (time, call, ends) in events {
        if !ends {
            permits[call] = circuit.admit(at(time), || dice.bits()).verdict.ok();
            continue;
        }
        let Some(permit) = permits[call].take() else {
            continue;
        };
        if calls[call].hasty {
            circuit.cancel(permit, Ending::Expired, at(time), || dice.bits());
        } else {
            circuit.settle(permit, Report::SUCCESS, at(time), || dice.bits());
            served += 1;
        }
    }
    served
}
