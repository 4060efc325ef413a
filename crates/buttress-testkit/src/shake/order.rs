//! Checks of a queue of waiters at the end of a history, on the same stack.

use super::invariants::TestCounts;
use crate::Rng;
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::harness::Harness;

/// Some of the waiters leave, either while they wait or when they are woken. The others are admitted in the order in
/// which they would have been otherwise, and when a woken waiter leaves, another is woken immediately.
pub(super) fn leavers_do_not_matter(
    harness: &Harness<'_>,
    dice: &mut Rng,
    tested: &mut TestCounts,
) -> Check {
    let waiters = 3 + dice.roll(6);
    let none_leave = vec![Leaves::Never; waiters];
    let (Some(usual), Some(again)) = (
        order_of_entry(harness, &none_leave)?,
        order_of_entry(harness, &none_leave)?,
    ) else {
        return Ok(());
    };
    if usual != again {
        // The order depends on chance or on time, so there is no order to check.
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
    match order_of_entry(harness, &leaving)? {
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

/// While all slots are taken, many callers start to wait and leave. Nothing of them remains, and then exactly as many
/// calls fit as the capacity allows.
pub(super) fn no_waiter_is_kept(harness: &Harness<'_>) -> Check {
    crate::invariants::forgets_waiters(harness, 50)
}

/// Exactly as many calls are admitted as the capacity allows.
pub(super) fn just_as_many_fit(harness: &Harness<'_>) -> Check {
    let full = harness.full()?;
    let mut one_more = harness.caller();
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

/// Returns the order in which the remaining waiters are admitted once all slots are taken. `None` if none wait.
fn order_of_entry(
    harness: &Harness<'_>,
    leaving: &[Leaves],
) -> Result<Option<Vec<usize>>, Finding> {
    let (mut inside, waiting) = match harness.queue(leaving.len()) {
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
                // A waiter may also be woken to move from one queue to the next, with no slot free.
                let free = inside.len() < capacity;
                ensure(
                    !free
                        || waiting.is_empty()
                        || waiting.iter().any(|(_, caller)| caller.is_woken()),
                    "when a woken waiter is cancelled, the next is woken at once",
                    "none is woken",
                )?;
                // The next woken waiter may be at an earlier position.
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
