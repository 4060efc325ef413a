//! Layers that reject because of past failures: which callers they reject, and that they recover.

use std::panic::{AssertUnwindSafe, catch_unwind};

use http::Response;

use super::Invariant;
use crate::Script;
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::contract::Sharing;
use crate::finding::{Check, Finding, ensure};
use crate::harness::{Harness, TestEnv};

pub(super) const FAMILY: &[Invariant] = &[
    Invariant {
        name: "B3",
        statement: "the next probe is admitted in time, whatever the result of the last",
        check: never_wedges,
    },
    Invariant {
        name: "B6",
        statement: "clones share their state; services of two layer() calls share it if declared",
        check: sharing,
    },
];

/// A tripped layer admits a call after its recovery time. However that call and the next eleven end, the layer admits
/// another call after each further recovery time.
///
/// Derived from half-open circuits that stay open for ever after an ignored error (resilience4j#544), a cancelled probe
/// (davenverse/circuit#258) or a probe that hangs (OmniRoute#13836).
fn never_wedges(env: &TestEnv<'_>) -> Check {
    let Some(recovery) = env.contract.recovers_within else {
        return Err(Finding::not_applicable("it declares no recovery"));
    };
    for ending in ENDINGS {
        let harness = env.harness();
        let Some(trip) = harness.layer.tripper() else {
            return Err(Finding::not_applicable("it offers no way to trip it"));
        };
        trip();
        let mut endless = Vec::new();
        for probe in 1..=12 {
            env.clock.advance(recovery);
            harness.probe.stall(0..0);
            harness.probe.ready();
            harness.probe.hold();
            let mut caller = harness.caller();
            let who = format!("call {probe}, {recovery:?} after {},", ending.name);
            caller.expect(CallState::Inside, &who)?;
            (ending.end)(&harness, caller, &mut endless);
        }
    }
    Ok(())
}

/// A way to end a call that is inside. A call that never ends is kept alive.
struct Ending {
    name: &'static str,
    end: for<'a> fn(&'a Harness<'_>, Caller<'a>, &mut Vec<Caller<'a>>),
}

const ENDINGS: &[Ending] = &[
    Ending {
        name: "a success",
        end: |_, mut caller, _| caller.finish_and_leave(),
    },
    Ending {
        name: "a failure",
        end: |harness, caller, _| {
            drop(caller);
            play(harness, Script::new().err("scripted failure"));
        },
    },
    Ending {
        name: "a cancelled call",
        end: |_, caller, _| drop(caller),
    },
    Ending {
        name: "a panic in a poll",
        end: |harness, caller, _| {
            drop(caller);
            play(harness, Script::new().panic());
        },
    },
    Ending {
        name: "a panic in call",
        end: |harness, caller, _| {
            drop(caller);
            play(harness, Script::new().panic_in_call());
        },
    },
    Ending {
        name: "a readiness error",
        end: |harness, caller, _| {
            drop(caller);
            harness.probe.broken();
            play(harness, Script::new().ok(Response::default()));
        },
    },
    Ending {
        name: "readiness that never comes",
        end: |harness, caller, endless| {
            drop(caller);
            harness.probe.not_ready();
            let mut stuck = harness.caller();
            stuck.poll();
            harness.probe.stall(0..harness.probe.instances());
            endless.push(stuck);
        },
    },
    Ending {
        name: "a call that never ends",
        end: |_, caller, endless| endless.push(caller),
    },
];

/// Runs a call with this script beside the others.
fn play(harness: &Harness<'_>, script: Script<Response<crate::TestBody>>) {
    harness.probe.let_pass();
    harness.probe.script(script);
    // A panic may be the script's own; any other shows as a failure of the next call.
    let _ = catch_unwind(AssertUnwindSafe(|| harness.caller().poll()));
    harness.probe.script(Script::new().ok(Response::default()));
}

/// State that one clone learns or fills applies to all clones. It applies to the services of two `layer()` calls if the
/// layer declares so, and only then.
///
/// Derived from state created in `Layer::layer`, which axum calls once for each route, so that a limit has no effect
/// (axum#2582).
fn sharing(env: &TestEnv<'_>) -> Check {
    let harness = env.harness();
    let (sibling, sibling_probe) = harness.sibling();
    let _full = match (harness.layer.tripper(), env.contract.capacity) {
        (Some(trip), _) => {
            trip();
            Vec::new()
        }
        (None, Some(_)) => harness.full()?,
        (None, None) => {
            return Err(Finding::not_applicable("it neither fills up nor trips"));
        }
    };
    ensure(
        harness.caller().poll() != CallState::Inside,
        "a clone does not admit what another rejects",
        "it does",
    )?;

    let Some(declared) = env.contract.sharing else {
        return Ok(());
    };
    harness.caller_of(&sibling).poll();
    let seen = if sibling_probe.calls() == 0 {
        Sharing::Shared
    } else {
        Sharing::Separate
    };
    ensure(
        seen == declared,
        format!("{declared:?} state in the services of two layer() calls"),
        format!("{seen:?}"),
    )
}
