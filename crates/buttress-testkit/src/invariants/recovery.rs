//! Layers that reject because of what they learned: which callers that affects, and that it passes.

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

/// Tripped and given its time, the layer admits a call. However that call ends, and eleven more like it, after the same
/// time another is admitted.
///
/// Derived from half-open circuits that an ignored error (resilience4j#544), a cancelled probe
/// (davenverse/circuit#258) or a hung one (OmniRoute#13836) keeps shut for ever.
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

/// A way for a call to end, applied to one that is inside. What never ends is kept.
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

/// A call beside, which ends by the script.
fn play(bench: &Harness<'_>, script: Script<Response<crate::TestBody>>) {
    bench.probe.let_pass();
    bench.probe.script(script);
    // A panic here is the script's, or else the next call shows the damage.
    let _ = catch_unwind(AssertUnwindSafe(|| bench.caller().poll()));
    bench.probe.script(Script::new().ok(Response::default()));
}

/// What one clone learns, or fills, holds for all clones. For the services of two `layer()` calls
/// it holds if the layer declares so, and only then.
///
/// Derived from state in `Layer::layer`, which axum calls once for each route: limits that limit
/// nothing (axum#2582).
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
