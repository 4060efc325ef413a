//! How many times a request is sent and copied.

use std::time::Duration;

use http::Response;

use super::Invariant;
use crate::Script;
use crate::finding::{Check, Finding, ensure};
use crate::harness::{Harness, TestEnv};

pub(super) const FAMILY: &[Invariant] = &[Invariant {
    name: "T9",
    statement: "a request is sent at most as often as declared, and cloned only to be sent again",
    check: no_needless_copies,
}];

/// A call succeeds, fails, hangs, or is rejected. It reaches the inner service at most the declared number of times,
/// and its request is copied no more often: a spare copy may be kept to the end, for an attempt that is not counted. A
/// request that is sent once is not copied.
///
/// Derived from a retry of a single attempt that kept a copy for another.
fn no_needless_copies(env: &TestEnv<'_>) -> Check {
    let Some(most) = env.contract.attempts else {
        return Err(Finding::not_applicable(
            "it does not declare how often it sends a request",
        ));
    };
    let failure = || Script::new().err("scripted failure");
    for (what, script) in [
        ("succeeds", Script::new().ok(Response::default())),
        ("fails", failure()),
        ("hangs", Script::new()),
    ] {
        let harness = env.harness();
        harness.probe.let_pass();
        harness.probe.script(script);
        sent_and_copied(&harness, most, &format!("a call that {what}"))?;
    }
    let harness = env.harness();
    if let Some(trip) = harness.layer.tripper() {
        trip();
        sent_and_copied(&harness, most, "a call of a tripped layer")?;
    }
    if env.contract.capacity.is_some() {
        let harness = env.harness();
        let _full = harness.full()?;
        sent_and_copied(&harness, most, "a call of a full layer")?;
    }
    Ok(())
}

fn sent_and_copied(harness: &Harness<'_>, most: usize, what: &str) -> Check {
    let before = harness.requests.total();
    let mut caller = harness.caller();
    for _ in 0..STEPS {
        if caller.poll().is_over() {
            break;
        }
        harness.env.clock.advance(Duration::from_millis(500));
    }
    let sent = harness.probe.attempts(caller.id);
    ensure(
        sent <= most,
        format!("{what} is sent at most {most} times"),
        format!("{sent} times"),
    )?;
    // The caller's own request is not a copy.
    let copies = harness.requests.total() - before - 1;
    let needed = if most == 1 { 0 } else { most };
    ensure(
        copies <= needed,
        format!("the request of {what} is copied at most {needed} times"),
        format!("{copies} times"),
    )
}

/// The number of steps of 500 ms, so that retries and hedges happen.
const STEPS: usize = 40;
