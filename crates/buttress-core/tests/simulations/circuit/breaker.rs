use std::time::{Duration, Instant};

use buttress_core::circuit::{BreakerConfig, Circuit, CircuitState, OpenDuration};
use buttress_core::{FailureKind, Outcome, Ratio, Report};

use super::peers::Peer;
use crate::dice::Dice;

/// The result of a call through a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Success,
    Failure,
    Refused,
}

/// A breaker on a virtual clock, in seconds. Calls take no time.
pub(super) trait Breaker {
    fn call(&mut self, now: f64, inner: &mut dyn FnMut() -> Reply) -> Reply;

    /// How often it opened from closed.
    fn openings(&self) -> u64;
}

/// A breaker that a table compares, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    None,
    Ours,
    /// Ours with an open time of 5 s that doubles to 60 s.
    Doubling,
    Resilience4j,
    Polly,
    Gobreaker,
    Linkerd,
    Envoy,
    Failsafe,
    TowerResilience,
}

impl Kind {
    pub(super) const ALL: [Self; 10] = [
        Self::None,
        Self::Ours,
        Self::Doubling,
        Self::Resilience4j,
        Self::Polly,
        Self::Gobreaker,
        Self::Linkerd,
        Self::Envoy,
        Self::Failsafe,
        Self::TowerResilience,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ours => "ours",
            Self::Doubling => "ours, open 5 s to 60 s",
            Self::Resilience4j => "Resilience4j",
            Self::Polly => "Polly",
            Self::Gobreaker => "gobreaker",
            Self::Linkerd => "linkerd",
            Self::Envoy => "Envoy",
            Self::Failsafe => "failsafe-rs",
            Self::TowerResilience => "tower-resilience",
        }
    }

    pub(super) fn build(self, seed: u64) -> Box<dyn Breaker> {
        let config = BreakerConfig::default();
        match self {
            Self::None => Box::new(Unprotected),
            Self::Ours => Box::new(Ours::new(config, seed)),
            Self::Doubling => {
                let doubling = OpenDuration::Proportional {
                    initial: Duration::from_secs(5),
                    share: Ratio::ONE,
                    max: Duration::from_secs(60),
                    jitter: Ratio::percent(20),
                };
                Box::new(Ours::new(config.open_for(doubling), seed))
            }
            Self::Resilience4j => Box::new(Peer::resilience4j(seed)),
            Self::Polly => Box::new(Peer::polly(seed)),
            Self::Gobreaker => Box::new(Peer::gobreaker(seed)),
            Self::Linkerd => Box::new(Peer::linkerd(seed)),
            Self::Envoy => Box::new(Peer::envoy(seed)),
            Self::Failsafe => Box::new(Peer::failsafe(seed)),
            Self::TowerResilience => Box::new(Peer::tower_resilience(seed)),
        }
    }
}

struct Unprotected;

impl Breaker for Unprotected {
    fn call(&mut self, _now: f64, inner: &mut dyn FnMut() -> Reply) -> Reply {
        inner()
    }

    fn openings(&self) -> u64 {
        0
    }
}

struct Ours {
    circuit: Circuit,
    epoch: Instant,
    dice: Dice,
    openings: u64,
}

impl Ours {
    fn new(config: BreakerConfig, seed: u64) -> Self {
        let epoch = Instant::now();
        Self {
            circuit: Circuit::new(config, epoch).expect("a valid configuration"),
            epoch,
            dice: Dice::new(seed),
            openings: 0,
        }
    }
}

impl Breaker for Ours {
    fn call(&mut self, now: f64, inner: &mut dyn FnMut() -> Reply) -> Reply {
        let now = self.epoch + Duration::from_secs_f64(now);
        let dice = &mut self.dice;
        let Ok(permit) = self.circuit.admit(now, || dice.bits()).verdict else {
            return Reply::Refused;
        };
        let reply = inner();
        let report = match reply {
            Reply::Success => Report::SUCCESS,
            Reply::Failure => Report::failure(FailureKind::Error),
            // `buttress-problem` answers 503 with `Retry-After`, which `buttress-http` reads as overload.
            Reply::Refused => Report::new(Outcome::Failure(FailureKind::Overload)),
        };
        let settlement = self.circuit.settle(permit, report, now, || dice.bits());
        let opened = settlement
            .transition
            .is_some_and(|step| step.from == CircuitState::Closed);
        self.openings += u64::from(opened);
        reply
    }

    fn openings(&self) -> u64 {
        self.openings
    }
}
