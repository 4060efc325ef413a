//! Answers that go on for an hour, as events and downloads do, and sockets that are open and silent.

use std::time::Duration;

use http::Response;

use super::Invariant;
use crate::call_state::CallState;
use crate::caller::Caller;
use crate::finding::{Check, Finding, ensure};
use crate::harness::{Harness, TestEnv};
use crate::{Gate, Script, TestBody};

pub(super) const FAMILY: &[Invariant] = &[
    Invariant {
        name: "A12",
        statement: "streams of an hour do not keep a layer that adapts from letting others in",
        check: streams_take_no_room,
    },
    Invariant {
        name: "B7",
        statement: "a layer recovers for a dependency that responds with streams",
        check: streams_are_successes,
    },
];

/// As many streams begin as the layer admits, up to some dozens: each is answered at once, and then sends a frame each
/// second for an hour. Once they are read, and once they are not. Beside them, a call a second takes no time at all:
/// from the second minute on, nine in ten are answered.
///
/// Derived from adaptive limits to the end of the body. None of their calls ends, so nothing is learned, and all others
/// are rejected for as long as twenty readers stay.
fn streams_take_no_room(lab: &TestEnv<'_>) -> Check {
    if !lab.contract.adapts {
        return Err(Finding::not_applicable(
            "it does not declare that its limit adapts",
        ));
    }
    for read in [true, false] {
        let bench = lab.bench();
        bench.probe.let_pass();
        let seconds: Vec<_> = (0..HOUR).map(|_| Gate::new()).collect();
        let mut streams = Vec::new();
        while streams.len() < STREAMS {
            bench
                .probe
                .script_next(Script::new().ok(Response::new(stream(&seconds))));
            let mut caller = bench.caller();
            if caller.poll() != CallState::Answered {
                break;
            }
            streams.push(caller);
        }
        // A permit for a caller that was not admitted is dropped.
        bench
            .probe
            .script_all(Script::new().ok(Response::default()));

        let mut answered = 0;
        for (second, frame) in seconds.iter().enumerate() {
            lab.clock.advance(Duration::from_secs(1));
            frame.open();
            if read {
                streams.iter_mut().for_each(|stream| {
                    stream.poll_body();
                });
            }
            let mut other = bench.caller();
            other.poll();
            answered += usize::from(second >= MINUTE && other.succeeded());
        }
        let (asked, count) = (HOUR - MINUTE, streams.len());
        let how = if read {
            "that are read"
        } else {
            "that are not read"
        };
        ensure(
            answered * 10 >= asked * 9,
            format!(
                "beside {count} streams {how}, of {asked} short calls nine in ten are answered"
            ),
            format!("{answered} are"),
        )?;
        drop(streams);
        bench.nothing_left("streams of an hour")?;
    }
    Ok(())
}

/// A frame each second.
fn stream(seconds: &[Gate]) -> TestBody {
    seconds.iter().fold(TestBody::empty(), |body, second| {
        body.wait(second).data(".")
    })
}

/// Tripped, the layer is given a healthy dependency: every call that it admits is answered at once, with a stream that
/// does not end. After some of them it admits as many at once as come.
///
/// Derived from probes that are heard of at the end of their body only: the circuit around a service of event streams stays
/// half-open for ever.
fn streams_are_successes(lab: &TestEnv<'_>) -> Check {
    let Some(recovery) = lab.contract.recovers_within else {
        return Err(Finding::not_applicable("it declares no recovery"));
    };
    let bench = lab.bench();
    let Some(trip) = bench.specimen.tripper() else {
        return Err(Finding::not_applicable("it offers no way to trip it"));
    };
    trip();
    bench.probe.let_pass();
    let endless = TestBody::empty().data("a").wait(&Gate::new()).data("b");
    bench.probe.script(Script::new().ok(Response::new(endless)));
    let mut streams = Vec::new();
    for _ in 0..RECOVERIES {
        lab.clock.advance(recovery);
        let many = lab.several() * 3;
        let entered = open_streams(&bench, many, &mut streams);
        if entered == many {
            return Ok(());
        }
        if lab.contract.capacity.is_some() {
            streams.clear();
        }
    }
    ensure(
        false,
        format!(
            "after {RECOVERIES} times {recovery:?} of streams that begin well, it admits all that come"
        ),
        "it still rejects some calls",
    )
}

fn open_streams<'a>(bench: &'a Harness<'_>, many: usize, streams: &mut Vec<Caller<'a>>) -> usize {
    let before = streams.len();
    for _ in 0..many {
        let mut caller = bench.caller();
        if caller.poll() == CallState::Answered {
            caller.poll_body();
            streams.push(caller);
        }
    }
    streams.len() - before
}

const MINUTE: usize = 60;
const HOUR: usize = 3_600;
/// No layer has to admit more than this for the test to apply.
const STREAMS: usize = 40;
/// How many times its recovery time a layer may take to admit a caller again, until it trusts the dependency.
const RECOVERIES: usize = 24;
