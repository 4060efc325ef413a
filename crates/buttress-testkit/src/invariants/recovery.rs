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
        statement: "however a probe ends, the next one is admitted in time",
        check: never_wedges,
    },
    Invariant {
        name: "B6",
        statement: "clones share their state, and services of two layer() calls do as declared",
        check: sharing,
    },
];

/// A tripped layer admits a call after its recovery time. However that call and the next eleven end, the layer admits
/// another call after each further recovery time.
///
/// Derived from half-open circuits that stay open for ever after an ignored error (resilience4j#544), a cancelled probe
/// (davenverse/circuit#258) or a probe that hangs (OmniRoute#13836).
fn never_wedges(lab: &TestEnv<'_>) -> Check {
    let Some(recovery) = lab.contract.recovers_within else {
        return Err(Finding::not_applicable("it declares no recovery"));
    };
    for ending in ENDINGS {
        let bench = lab.bench();
        let Some(trip) = bench.specimen.tripper() else {
            return Err(Finding::not_applicable("it offers no way to trip it"));
        };
        trip();
        let mut endless = Vec::new();
        for probe in 1..=12 {
            lab.clock.advance(recovery);
            bench.probe.stall(0..0);
            bench.probe.ready();
            bench.probe.hold();
            let mut caller = bench.caller();
            let who = format!("call {probe}, {recovery:?} after {},", ending.name);
            caller.expect(CallState::Inside, &who)?;
            (ending.end)(&bench, caller, &mut endless);
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
        end: |bench, caller, _| {
            drop(caller);
            play(bench, Script::new().err("scripted failure"));
        },
    },
    Ending {
        name: "a cancelled call",
        end: |_, caller, _| drop(caller),
    },
    Ending {
        name: "a panic in a poll",
        end: |bench, caller, _| {
            drop(caller);
            play(bench, Script::new().panic());
        },
    },
    Ending {
        name: "a panic in call",
        end: |bench, caller, _| {
            drop(caller);
            play(bench, Script::new().panic_in_call());
        },
    },
    Ending {
        name: "a readiness error",
        end: |bench, caller, _| {
            drop(caller);
            bench.probe.broken();
            play(bench, Script::new().ok(Response::default()));
        },
    },
    Ending {
        name: "readiness that never comes",
        end: |bench, caller, endless| {
            drop(caller);
            bench.probe.not_ready();
            let mut stuck = bench.caller();
            stuck.poll();
            bench.probe.stall(0..bench.probe.instances());
            endless.push(stuck);
        },
    },
    Ending {
        name: "a call that never ends",
        end: |_, caller, endless| endless.push(caller),
    },
];

/// Runs a call with this script beside the others.
fn play(bench: &Harness<'_>, script: Script<Response<crate::TestBody>>) {
    bench.probe.let_pass();
    bench.probe.script(script);
    // A panic may be the script's own; any other shows as a failure of the next call.
    let _ = catch_unwind(AssertUnwindSafe(|| bench.caller().poll()));
    bench.probe.script(Script::new().ok(Response::default()));
}

/// State that one clone learns or fills applies to all clones. It applies to the services of two `layer()` calls if the
/// layer declares so, and only then.
///
/// Derived from state created in `Layer::layer`, which axum calls once for each route, so that a limit has no effect
/// (axum#2582).
fn sharing(lab: &TestEnv<'_>) -> Check {
    let bench = lab.bench();
    let (sibling, sibling_probe) = bench.sibling();
    let _full = match (bench.specimen.tripper(), lab.contract.capacity) {
        (Some(trip), _) => {
            trip();
            Vec::new()
        }
        (None, Some(_)) => bench.full()?,
        (None, None) => {
            return Err(Finding::not_applicable("it neither fills up nor trips"));
        }
    };
    ensure(
        bench.caller().poll() != CallState::Inside,
        "a clone does not admit what another rejects",
        "it does",
    )?;

    let Some(declared) = lab.contract.sharing else {
        return Ok(());
    };
    bench.caller_of(&sibling).poll();
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
