//! Checks of a queue of waiters at the end of a history, on the same stack.

use super::invariants::TestCounts;
use crate::Rng;
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::harness::Harness;

/// Some of the waiters give up, before it is their turn or in the moment when it is. The others are admitted in the
/// order in which they would have been otherwise, and where a woken one gives up, another is woken in that moment.
pub(super) fn leavers_do_not_matter(
    bench: &Harness<'_>,
    dice: &mut Rng,
    tested: &mut TestCounts,
) -> Check {
    let waiters = 3 + dice.roll(6);
    let none_leave = vec![Leaves::Never; waiters];
    let (Some(usual), Some(again)) = (
        order_of_entry(bench, &none_leave)?,
        order_of_entry(bench, &none_leave)?,
    ) else {
        return Ok(());
    };
    if usual != again {
        // The order depends on chance or on time: there is none to keep.
        return Ok(());
    }
    let leaving: Vec<_> = (0..waiters)
        .map(|_| match dice.roll(5) {
            0 => Leaves::Early,
            1 => Leaves::WhenWoken,
            _ => Leaves::Never,
        })
        .collect();
    let stays = |who: &usize| leaving[*who] == Leaves::Never;
    let expected: Vec<_> = usual.into_iter().filter(stays).collect();
    tested.count("A2");
    match order_of_entry(bench, &leaving)? {
        Some(seen) => ensure(
            seen == expected,
            format!(
                "of {waiters} waiters, {leaving:?}, those that stay are admitted as {expected:?}"
            ),
            format!("{seen:?}"),
        ),
        None => Ok(()),
    }
}

/// While all slots are taken, many begin to wait and give up. Nothing is kept of them, and then just as many fit as
/// may.
pub(super) fn no_waiter_is_kept(bench: &Harness<'_>) -> Check {
    crate::invariants::forgets_waiters(bench, 50)
}

/// As many get in as there is room for, and not one more.
pub(super) fn just_as_many_fit(bench: &Harness<'_>) -> Check {
    let full = bench.full()?;
    let mut one_more = bench.caller();
    ensure(
        one_more.poll() != CallState::Inside,
        format!("no more than {} get in", full.len()),
        "one more did",
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaves {
    Early,
    Never,
    WhenWoken,
}

/// The order in which the waiters that stay are admitted, after as many as the capacity. `None` if none wait.
fn order_of_entry(bench: &Harness<'_>, leaving: &[Leaves]) -> Result<Option<Vec<usize>>, Finding> {
    let (mut inside, waiting) = match bench.queue(leaving.len()) {
        Err(Finding::NotApplicable(_)) => return Ok(None),
        queue => queue?,
    };
    let capacity = inside.len();
    let mut waiting: Vec<_> = waiting.into_iter().enumerate().collect();
    waiting.retain(|(who, _)| leaving[*who] != Leaves::Early);
    let mut order = Vec::new();
    while let Some(mut first) = inside.pop() {
        first.finish_and_leave();
        let mut at = 0;
        while at < waiting.len() {
            if !waiting[at].1.is_woken() {
                at += 1;
                continue;
            }
            let (who, mut caller) = waiting.remove(at);
            if leaving[who] == Leaves::WhenWoken {
                drop(caller);
                // A woken waiter may have come from one line into the next, with nothing free at its end.
                let free = inside.len() < capacity;
                ensure(
                    !free
                        || waiting.is_empty()
                        || waiting.iter().any(|(_, caller)| caller.is_woken()),
                    "when a woken waiter gives up, the next is woken at once",
                    "none is woken",
                )?;
                // The next may stand before.
                at = 0;
            } else if caller.poll_once() == CallState::Inside {
                order.push(who);
                inside.push(caller);
            } else if !caller.state().is_over() {
                waiting.insert(at, (who, caller));
                at += 1;
            }
        }
    }
    inside.iter_mut().for_each(Caller::finish_and_leave);
    Ok(Some(order))
}
