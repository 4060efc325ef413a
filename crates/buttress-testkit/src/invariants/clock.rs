//! Clocks that jump.

use std::time::Duration;

use super::Invariant;
use crate::caller::Caller;
use crate::finding::{Check, ensure};
use crate::harness::TestEnv;

pub(super) const FAMILY: &[Invariant] = &[Invariant {
    name: "X1",
    statement: "a clock that advances thirty days, at once or gradually, affects no call",
    check: the_clock_leaps,
}];

/// The clock jumps by thirty days at once, or by one day thirty times, while a clone is ready, a call is inside and
/// callers wait. Nothing panics, every call ends, and new calls succeed.
///
/// Derived from arithmetic on instants (tower#633, tikv#11940), the timer wheel's wrap after 12 days (tokio#8334), and
/// budgets that loop over each interval of an idle time.
fn the_clock_leaps(env: &TestEnv<'_>) -> Check {
    for (leaps, by) in [(1, 30 * DAY), (30, DAY)] {
        let harness = env.harness();
        let mut ready = harness.caller();
        ready.poll_ready();
        let mut callers = harness.callers(env.several() + 2);
        callers.iter_mut().for_each(|caller| {
            caller.poll();
        });
        for _ in 0..leaps {
            env.clock.advance(by);
        }
        harness.probe.let_go();
        callers.push(ready);
        // One round per caller, since each caller may wait for another.
        for _ in 0..callers.len() {
            callers.iter_mut().for_each(poll_and_leave);
        }
        let left = callers
            .iter()
            .filter(|caller| !caller.state().is_over())
            .count();
        ensure(
            left == 0,
            "every call ends after the leap",
            format!("{left} of {} do not", callers.len()),
        )?;
        drop(callers);
        harness.works(100, "the leap")?;
        harness.at_rest("the leap")?;
    }
    Ok(())
}

fn poll_and_leave(caller: &mut Caller<'_>) {
    if !caller.state().is_over() {
        caller.poll();
    }
    if caller.state().is_over() {
        caller.hang_up();
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
