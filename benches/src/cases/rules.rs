//! The rules of `buttress-core` alone, without a service or a clock.

use std::hint::black_box;
use std::time::{Duration, Instant};

use buttress_core::circuit::{BreakerConfig, Circuit};
use buttress_core::window::{History, Mark, Successes, Window};
use buttress_core::{FailureKind, Mode, Ratio, Report};

use crate::case::Case;
use crate::timing::now;

/// All rules.
#[must_use]
pub fn rules() -> Vec<Case> {
    let mut rules = vec![
        Case::rule("nothing", || || ()),
        Case::rule("circuit closed: admit and settle a success", || {
            let mut clock = Clock::start();
            let circuit = circuit(&clock);
            move || {
                let now = clock.tick();
                call(&circuit, Report::SUCCESS, now);
            }
        }),
        Case::rule("circuit closed: admit and settle a failure", || {
            let mut clock = Clock::start();
            let circuit = circuit(&clock);
            move || {
                let now = clock.tick();
                call(&circuit, Report::failure(FailureKind::Error), now);
            }
        }),
        Case::rule("circuit open: refuse", || {
            let clock = Clock::start();
            let circuit = circuit(&clock);
            circuit.trip(clock.0, chance);
            move || {
                let admission = black_box(&circuit).admit(black_box(clock.0), chance);
                assert!(black_box(admission).verdict.is_err(), "open");
            }
        }),
        Case::rule("successes: add one", || {
            let successes = Successes::new(WINDOW);
            let generation = successes.generation();
            let mut at = 0;
            move || {
                at += TICK.as_nanos() as u64;
                successes.add(generation, black_box(at));
            }
        }),
        Case::rule("window by time: record a failure and sum up", || {
            summing(WINDOW)
        }),
        Case::rule(
            "window by count of 100: record a failure and sum up",
            || summing(Window::Count(100)),
        ),
        Case::rule(
            "window by count of 100000: record a failure and sum up",
            || summing(Window::Count(100_000)),
        ),
        Case::rule("mode: enforce for half", || {
            let mut draw = 0_u64;
            move || {
                draw = draw.wrapping_add(GOLDEN);
                black_box(black_box(Mode::EnforceFor(Ratio::HALF)).binds(|| draw));
            }
        }),
    ];
    rules.extend(super::attempts::attempts());
    rules.extend(super::places::rules());
    rules
}

/// A circuit that failures do not open, so that they can be measured.
fn circuit(clock: &Clock) -> Circuit {
    let config = BreakerConfig::default()
        .window(WINDOW)
        .minimum_calls(u32::MAX)
        .consecutive_failures(None)
        .slow_calls(Duration::from_secs(1), Ratio::HALF);
    Circuit::new(config, clock.0).expect("a configuration of defaults is valid")
}

fn call(circuit: &Circuit, report: Report, now: Instant) {
    let admission = black_box(circuit).admit(black_box(now), chance);
    let permit = admission.verdict.expect("closed");
    black_box(circuit.settle(permit, black_box(report), black_box(now), chance));
}

fn summing(window: Window) -> impl FnMut() {
    let successes = Successes::new(window);
    let mut history = History::new(window);
    let mut at = 0;
    move || {
        at += TICK.as_nanos() as u64;
        history.record(&successes, at, black_box(FAILED));
        black_box(history.counts(&successes, at));
    }
}

/// A clock that is advanced by hand.
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(now())
    }

    pub(super) fn now(&self) -> Instant {
        self.0
    }

    pub(super) fn after(&self, time: Duration) -> Instant {
        self.0 + time
    }

    pub(super) fn tick(&mut self) -> Instant {
        self.0 += TICK;
        self.0
    }
}

/// The random number has no effect on a circuit that is only closed or only open.
fn chance() -> u64 {
    0
}

const FAILED: Mark = Mark {
    failed: true,
    slow: false,
};

const WINDOW: Window = Window::Time(Duration::from_secs(10));

/// The time between two calls: a thousand per second, so that a round uses every bucket of the window.
const TICK: Duration = Duration::from_millis(1);

/// An odd number close to 2^64 over the golden ratio: its multiples are evenly distributed.
pub(super) const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
