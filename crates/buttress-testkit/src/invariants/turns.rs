//! Callers that wait for the same slots in different ways.

use super::Invariant;
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::harness::{Harness, TestEnv};

pub(super) const FAMILY: &[Invariant] = &[Invariant {
    name: "Q6",
    statement: "callers that wait for readiness and callers that wait in the queue are all admitted",
    check: all_have_their_turn,
}];

/// One caller waits at one layer, and others arrive and wait at the layer beside it, which shares its slots. As slots
/// become free one at a time, and another caller arrives each time, the first caller is admitted, whichever of the two
/// layers it waits at.
///
/// Derived from a limit that always served its queue before the waiters in `poll_ready`, regardless of their order.
fn all_have_their_turn(env: &TestEnv<'_>) -> Check {
    env.capacity()?;
    for waits_beside in [false, true] {
        let harness = env.harness();
        let Some(probe) = harness.caller_beside() else {
            return Err(Finding::not_applicable("it shows no second way to wait"));
        };
        drop(probe);
        let mut inside = harness.full()?;
        let mut first = newcomer(&harness, waits_beside);
        let mut others = vec![newcomer(&harness, !waits_beside)];
        let waits = first.poll() == CallState::Waiting;
        if !waits || others[0].poll() != CallState::Waiting {
            return Err(Finding::not_applicable(
                "its callers do not wait in two ways",
            ));
        }
        for _ in 0..ROUNDS {
            others.push(newcomer(&harness, !waits_beside));
            if let Some(last) = others.last_mut() {
                last.poll();
            }
            if let Some(mut leaver) = inside.pop() {
                leaver.finish_and_leave();
            }
            if first.is_woken() && first.poll() == CallState::Inside {
                break;
            }
            let mut waiting = Vec::new();
            for mut other in others {
                if other.is_woken() && other.poll() == CallState::Inside {
                    inside.push(other);
                } else {
                    waiting.push(other);
                }
            }
            others = waiting;
        }
        let (one, other) = if waits_beside {
            ("the layer beside", "the first")
        } else {
            ("the first layer", "the one beside")
        };
        ensure(
            first.state() == CallState::Inside,
            format!(
                "a caller that waits at {one} is admitted before {ROUNDS} that came later to {other}"
            ),
            format!("it is {}", first.state()),
        )?;
    }
    Ok(())
}

fn newcomer<'a>(harness: &'a Harness<'_>, beside: bool) -> Caller<'a> {
    let beside = if beside {
        harness.caller_beside()
    } else {
        None
    };
    beside.unwrap_or_else(|| harness.caller())
}

/// The first caller counts as starved if this many later callers are admitted before it.
const ROUNDS: usize = 200;
