//! Responses that stream for an hour, such as events and downloads, and sockets that are open and send nothing.

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
        statement: "hour-long streams do not keep an adaptive layer from admitting other calls",
        check: streams_take_no_room,
    },
    Invariant {
        name: "B7",
        statement: "a layer recovers for a dependency that responds with streams",
        check: streams_are_successes,
    },
];

/// The layer admits streams up to its limit, but at most 40. Each is answered immediately, and then sends a frame each
/// second for an hour, once with readers that read it and once with readers that do not. Beside them, one call a second
/// is answered immediately by the inner service: from the second minute on, nine in ten are answered.
///
/// Derived from adaptive limits that hold slots to the end of the body: none of the streams ends, so the limit gets no
/// samples, and all other calls are rejected while twenty readers stay.
fn streams_take_no_room(env: &TestEnv<'_>) -> Check {
    if !env.contract.adapts {
        return Err(Finding::not_applicable(
            "it does not declare that its limit adapts",
        ));
    }
    for read in [true, false] {
        let harness = env.harness();
        harness.probe.let_pass();
        let seconds: Vec<_> = (0..HOUR).map(|_| Gate::new()).collect();
        let mut streams = Vec::new();
        while streams.len() < STREAMS {
            harness
                .probe
                .script_next(Script::new().ok(Response::new(stream(&seconds))));
            let mut caller = harness.caller();
            if caller.poll() != CallState::Responded {
                break;
            }
            streams.push(caller);
        }
        // Drops the script of the caller that was not admitted.
        harness
            .probe
            .script_all(Script::new().ok(Response::default()));

        let mut answered = 0;
        for (second, frame) in seconds.iter().enumerate() {
            env.clock.advance(Duration::from_secs(1));
            frame.open();
            if read {
                streams.iter_mut().for_each(|stream| {
                    stream.poll_body();
                });
            }
            let mut other = harness.caller();
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
        harness.nothing_left("streams of an hour")?;
    }
    Ok(())
}

/// A body that yields a frame each second.
fn stream(seconds: &[Gate]) -> TestBody {
    seconds.iter().fold(TestBody::empty(), |body, second| {
        body.wait(second).data(".")
    })
}

/// After the layer is tripped, the dependency is healthy: every admitted call is answered immediately, with a stream
/// that does not end. After some of these calls, the layer admits all calls.
///
/// Derived from probes that are recorded only at the end of their body: the circuit around a service of event streams
/// stays half-open for ever.
fn streams_are_successes(env: &TestEnv<'_>) -> Check {
    let Some(recovery) = env.contract.recovers_within else {
        return Err(Finding::not_applicable("it declares no recovery"));
    };
    let harness = env.harness();
    let Some(trip) = harness.layer.tripper() else {
        return Err(Finding::not_applicable("it offers no way to trip it"));
    };
    trip();
    harness.probe.let_pass();
    let endless = TestBody::empty().data("a").wait(&Gate::new()).data("b");
    harness
        .probe
        .script(Script::new().ok(Response::new(endless)));
    let mut streams = Vec::new();
    for _ in 0..RECOVERIES {
        env.clock.advance(recovery);
        let many = env.several() * 3;
        let entered = open_streams(&harness, many, &mut streams);
        if entered == many {
            return Ok(());
        }
        if env.contract.capacity.is_some() {
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

fn open_streams<'a>(harness: &'a Harness<'_>, many: usize, streams: &mut Vec<Caller<'a>>) -> usize {
    let before = streams.len();
    for _ in 0..many {
        let mut caller = harness.caller();
        if caller.poll() == CallState::Responded {
            caller.poll_body();
            streams.push(caller);
        }
    }
    streams.len() - before
}

const MINUTE: usize = 60;
const HOUR: usize = 3_600;
/// A layer need not admit more streams than this.
const STREAMS: usize = 40;
/// A layer may take this many times its recovery time until it admits all calls again.
const RECOVERIES: usize = 24;
