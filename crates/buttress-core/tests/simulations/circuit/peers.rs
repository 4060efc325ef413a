//! Other breakers with their defaults, written anew from what their documentation says.

use std::collections::VecDeque;

use super::breaker::{Breaker, Reply};
use crate::dice::Dice;

/// A breaker that trips by one or two rules, and closes after some successful probes.
pub(super) struct Peer {
    /// Trips at this many failures in a row.
    row: Option<u32>,
    ratio: Option<RatioRule>,
    open: Open,
    /// How many calls are admitted half-open.
    probes: u32,
    /// Half-open, whether the share of failures decides (at 50 %), or any failure opens.
    probes_by_ratio: bool,
    dice: Dice,
    state: State,
    in_a_row: u32,
    calls: VecDeque<(f64, bool)>,
    failures: u32,
    /// Openings since the last recovery.
    attempts: i32,
    openings: u64,
}

enum State {
    Closed,
    Open { until: f64 },
    HalfOpen { ended: u32, failed: u32 },
}

struct RatioRule {
    ratio: f64,
    minimum: usize,
    span: Span,
}

enum Span {
    Calls(usize),
    Seconds(f64),
}

enum Open {
    Fixed(f64),
    /// First, longest, and the share of random jitter that is added (linkerd) or stays (equal jitter).
    Doubling(f64, f64, f64),
    /// A multiple of the number of ejections (Envoy), and its cap.
    Linear(f64, f64),
}

impl Peer {
    /// `CircuitBreakerConfig`: 50 % of the last 100 calls, 60 s open, 10 probes judged by the same ratio.
    pub(super) fn resilience4j(seed: u64) -> Self {
        let ratio = RatioRule {
            ratio: 0.5,
            minimum: 100,
            span: Span::Calls(100),
        };
        Self {
            probes: 10,
            probes_by_ratio: true,
            ..Self::new(None, Some(ratio), Open::Fixed(60.0), seed)
        }
    }

    /// `CircuitBreakerStrategyOptions` of version 8: 10 % of at least 100 calls in 30 s, 5 s open, one probe.
    pub(super) fn polly(seed: u64) -> Self {
        let ratio = RatioRule {
            ratio: 0.1,
            minimum: 100,
            span: Span::Seconds(30.0),
        };
        Self::new(None, Some(ratio), Open::Fixed(5.0), seed)
    }

    /// `gobreaker.Settings`: more than five in a row, 60 s open, one probe.
    pub(super) fn gobreaker(seed: u64) -> Self {
        Self::new(Some(6), None, Open::Fixed(60.0), seed)
    }

    /// Linkerd's annotations for failure accrual: seven in a row, 1 s doubling to 60 s, jitter 0.5, one probe.
    pub(super) fn linkerd(seed: u64) -> Self {
        Self::new(Some(7), None, Open::Doubling(1.0, 60.0, 0.5), seed)
    }

    /// Outlier detection of one host, as for `always_eject_one_host`: five in a row, 30 s for each ejection up to
    /// 300 s, and then all calls.
    pub(super) fn envoy(seed: u64) -> Self {
        Self {
            probes: 0,
            ..Self::new(Some(5), None, Open::Linear(30.0, 300.0), seed)
        }
    }

    /// `failsafe::Config`: five in a row, or below 80 % of at least five calls in 30 s; 10 s doubling to 300 s with
    /// equal jitter, one probe.
    pub(super) fn failsafe(seed: u64) -> Self {
        let ratio = RatioRule {
            ratio: 0.2,
            minimum: 5,
            span: Span::Seconds(30.0),
        };
        let open = Open::Doubling(10.0, 300.0, -0.5);
        Self::new(Some(5), Some(ratio), open, seed)
    }

    /// `CircuitBreakerConfig` of tower-resilience: 50 % of the last 100 calls, 30 s open, one probe.
    pub(super) fn tower_resilience(seed: u64) -> Self {
        let ratio = RatioRule {
            ratio: 0.5,
            minimum: 100,
            span: Span::Calls(100),
        };
        Self::new(None, Some(ratio), Open::Fixed(30.0), seed)
    }

    fn new(row: Option<u32>, ratio: Option<RatioRule>, open: Open, seed: u64) -> Self {
        Self {
            row,
            ratio,
            open,
            probes: 1,
            probes_by_ratio: false,
            dice: Dice::new(seed),
            state: State::Closed,
            in_a_row: 0,
            calls: VecDeque::new(),
            failures: 0,
            attempts: 0,
            openings: 0,
        }
    }

    fn record(&mut self, now: f64, failed: bool) -> bool {
        self.in_a_row = if failed { self.in_a_row + 1 } else { 0 };
        if failed && self.row.is_some_and(|row| self.in_a_row >= row) {
            return true;
        }
        let Some(rule) = &self.ratio else {
            return false;
        };
        self.calls.push_back((now, failed));
        self.failures += u32::from(failed);
        while let Some(&(at, failed)) = self.calls.front() {
            let outside = match rule.span {
                Span::Calls(size) => self.calls.len() > size,
                Span::Seconds(span) => at < now - span,
            };
            if !outside {
                break;
            }
            self.calls.pop_front();
            self.failures -= u32::from(failed);
        }
        let calls = self.calls.len();
        failed && calls >= rule.minimum && f64::from(self.failures) >= rule.ratio * calls as f64
    }

    fn open(&mut self, now: f64) {
        let lasts = match self.open {
            Open::Fixed(seconds) => seconds,
            Open::Linear(base, longest) => (base * f64::from(self.attempts + 1)).min(longest),
            Open::Doubling(first, longest, jitter) => {
                let time = (first * 2_f64.powi(self.attempts)).min(longest);
                time * (1.0 + jitter * self.dice.uniform())
            }
        };
        self.attempts += 1;
        self.state = State::Open { until: now + lasts };
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.in_a_row = 0;
        self.calls.clear();
        self.failures = 0;
    }
}

impl Breaker for Peer {
    fn call(&mut self, now: f64, inner: &mut dyn FnMut() -> Reply) -> Reply {
        if let State::Open { until } = self.state {
            if now < until {
                return Reply::Refused;
            }
            if self.probes == 0 {
                self.close();
            } else {
                self.state = State::HalfOpen {
                    ended: 0,
                    failed: 0,
                };
            }
        }
        let reply = inner();
        let failure = reply != Reply::Success;
        match self.state {
            State::HalfOpen { ended, failed } => {
                let (ended, failed) = (ended + 1, failed + u32::from(failure));
                self.state = State::HalfOpen { ended, failed };
                let over = ended >= self.probes;
                let bad = match self.probes_by_ratio {
                    true => over && 2 * failed >= ended,
                    false => failure,
                };
                if bad {
                    self.open(now);
                } else if over {
                    self.attempts = 0;
                    self.close();
                }
            }
            _ => {
                if self.record(now, failure) {
                    self.openings += 1;
                    self.open(now);
                }
            }
        }
        reply
    }

    fn openings(&self) -> u64 {
        self.openings
    }
}
