//! Limits, sound and not.

use std::sync::Arc;
use std::time::Duration;

use buttress_testkit::{Conformance, QueueOrder, Sharing};
use tower::ServiceBuilder;
use tower::limit::ConcurrencyLimitLayer;

use crate::faults::Case;
use crate::faults::gate::{Counting, gate, gate_layer};
use crate::faults::held::{Ends, LONGEST};
use crate::faults::idle::{IDLE, Idle};
use crate::faults::limit::{Manner, Readies, limit};
use crate::faults::queue::{Fault, Queue};

pub(crate) const SOUND: &[Case] = &[
    Case {
        what: "a limit that lets callers wait",
        suite: |name| of(name, None, PLAIN),
        fails: &[],
    },
    Case {
        what: "a limit with an order",
        suite: |name| of(name, None, PLAIN).serves(QueueOrder::OldestFirst),
        fails: &[],
    },
    Case {
        what: "a limit that serves the newest first",
        suite: |name| of(name, Some(Fault::ServesTheNewest), PLAIN).serves(QueueOrder::NewestFirst),
        fails: &[],
    },
    Case {
        what: "a limit that refuses",
        suite: |name| of(name, None, REFUSES),
        fails: &[],
    },
    Case {
        what: "a limit to the end of the body",
        suite: |name| of(name, None, HOLDS_BODY).holds_body(),
        fails: &[],
    },
    Case {
        what: "a limit with a longest wait",
        suite: |name| of(name, None, PATIENT).max_wait(MAX_WAIT),
        fails: &[],
    },
    Case {
        what: "a limit with a longest wait, which readies the inner service after it",
        suite: |name| of(name, None, readying(Readies::InTime)).max_wait(MAX_WAIT),
        fails: &[],
    },
    Case {
        what: "a limit to the end of the body, or of the time",
        suite: |name| ending(name, Ends::Whole),
        fails: &[],
    },
    Case {
        what: "a limit to the end of the body, whose idle readers make room",
        suite: |name| idle(name, Idle::Right, false),
        fails: &[],
    },
    Case {
        what: "a limit to the end of the body that rejects, whose idle readers make room",
        suite: |name| idle(name, Idle::Right, true),
        fails: &[],
    },
    Case {
        what: "a limit that adapts, as far as that shows, and holds no bodies",
        suite: |name| of(name, None, PLAIN).adapts(),
        fails: &[],
    },
    Case {
        what: "a limit where callers wait in two ways",
        suite: |name| two_ways(name, None),
        fails: &[],
    },
    Case {
        what: "a limit to the end of the body that refuses",
        suite: |name| {
            of(
                name,
                None,
                Manner {
                    refuses: true,
                    ..HOLDS_BODY
                },
            )
            .holds_body()
        },
        fails: &[],
    },
];

pub(crate) const FAULTS: &[Case] = &[
    Case {
        what: "lets one more in than it says",
        suite: |name| of(name, Some(Fault::OneTooMany), PLAIN),
        fails: &["A6", "A7", "B6"],
    },
    Case {
        what: "forgets to pass on what a leaver was given",
        suite: |name| of(name, Some(Fault::ForgetsToPassOn), PLAIN),
        fails: &["R8", "A2"],
    },
    Case {
        what: "frees twice what a leaver was given",
        suite: |name| of(name, Some(Fault::FreesTwice), PLAIN),
        fails: &["A3", "A6"],
    },
    Case {
        what: "grows without telling",
        suite: |name| of(name, Some(Fault::GrowsSilently), PLAIN),
        fails: &["A7"],
    },
    Case {
        what: "keeps waiters in line that left",
        suite: |name| of(name, Some(Fault::KeepsTheDead), PLAIN),
        fails: &["A9"],
    },
    Case {
        what: "remembers the first task only",
        suite: |name| of(name, Some(Fault::KeepsTheFirstWaker), PLAIN),
        fails: &["R7"],
    },
    Case {
        what: "reorders the line when one leaves",
        suite: |name| of(name, Some(Fault::Reorders), PLAIN),
        fails: &["A2"],
    },
    Case {
        what: "waits by waking itself",
        suite: |name| of(name, Some(Fault::Spins), PLAIN),
        fails: &["R9"],
    },
    Case {
        what: "wakes all for one free place",
        suite: |name| of(name, Some(Fault::WakesEverybody), PLAIN),
        fails: &["R9"],
    },
    Case {
        what: "serves the newest first, and says it does the oldest",
        suite: |name| of(name, Some(Fault::ServesTheNewest), PLAIN).serves(QueueOrder::OldestFirst),
        fails: &["Q1"],
    },
    Case {
        what: "admits the first caller when a slot is free, and declares an order",
        suite: |name| of(name, Some(Fault::WakesEverybody), PLAIN).serves(QueueOrder::OldestFirst),
        fails: &["R9", "Q1"],
    },
    Case {
        what: "lets any number wait, and says how many",
        suite: |name| of(name, None, PLAIN).queue(5),
        fails: &["Q2"],
    },
    Case {
        what: "lets no caller wait, and declares a queue",
        suite: |name| of(name, None, REFUSES).queue(5),
        fails: &["Q2"],
    },
    Case {
        what: "lets callers wait for ever, and says for how long",
        suite: |name| of(name, None, PLAIN).max_wait(MAX_WAIT),
        fails: &["Q3"],
    },
    Case {
        what: "waits for ever for the inner service once there is a place",
        suite: |name| of(name, None, readying(Readies::ForEver)).max_wait(MAX_WAIT),
        fails: &["Q5"],
    },
    Case {
        what: "takes a place in line, and then looks for a timer",
        suite: |name| of(name, None, ARMS_LATE).max_wait(MAX_WAIT),
        fails: &["X8"],
    },
    Case {
        what: "ends a call in time if its body is polled",
        suite: |name| ending(name, Ends::WhenPolled),
        fails: &["A11"],
    },
    Case {
        what: "ends a call in time, and keeps the body that is not read",
        suite: |name| ending(name, Ends::WithoutItsBody),
        fails: &["A11"],
    },
    Case {
        what: "lets readers keep their places, and says that idle ones lose them",
        suite: |name| of(name, None, HOLDS_BODY).holds_body().reader_idle(IDLE),
        fails: &["A13"],
    },
    Case {
        what: "breaks off the bodies of idle readers",
        suite: |name| idle(name, Idle::BreaksOff, true),
        fails: &["A13"],
    },
    Case {
        what: "takes the slots of readers that have read since",
        suite: |name| idle(name, Idle::CountsFromTheHead, true),
        fails: &["A13"],
    },
    Case {
        what: "takes the slots of readers that wait for the inner service",
        suite: |name| idle(name, Idle::CountsTheService, true),
        fails: &["A13"],
    },
    Case {
        what: "looks for idle readers when a call comes, and not while one waits",
        suite: |name| idle(name, Idle::LooksOnArrival, false),
        fails: &["A13"],
    },
    Case {
        what: "adapts, and lets streams have all it has",
        suite: |name| of(name, None, HOLDS_BODY).holds_body().adapts(),
        fails: &["A12"],
    },
    Case {
        what: "serves callers that wait for readiness when no other waits",
        suite: |name| two_ways(name, Some(Fault::ServesReadinessLast)),
        fails: &["Q6"],
    },
    Case {
        what: "leaks the place of a dropped call",
        suite: |name| of(name, None, LEAKS),
        fails: &["R8", "A1", "A4", "A5", "X8"],
    },
    Case {
        what: "says it holds the body, and does not",
        suite: |name| of(name, None, PLAIN).holds_body(),
        fails: &["A6", "A8"],
    },
    Case {
        what: "holds the body, and does not say so",
        suite: |name| of(name, None, HOLDS_BODY),
        fails: &["A8"],
    },
    Case {
        what: "has a state of its own in each layer() call, and says it has not",
        suite: |name| {
            Conformance::new(name, || {
                tower_layer::layer_fn(|inner| tower::limit::ConcurrencyLimit::new(inner, CAPACITY))
            })
            .capacity(CAPACITY)
            .sharing(Sharing::Shared)
            .except("R5", "tower")
            .except("R10", "tower")
        },
        fails: &["B6"],
    },
    Case {
        what: "tower's ConcurrencyLimit: ready clones hold places",
        suite: |name| {
            Conformance::new(name, || ConcurrencyLimitLayer::new(CAPACITY))
                .capacity(CAPACITY)
                .sharing(Sharing::Separate)
        },
        fails: &["R5", "R10"],
    },
    Case {
        what: "tower's LoadShed over ConcurrencyLimit: so do rejected callers",
        suite: |name| {
            Conformance::new(name, || {
                ServiceBuilder::new()
                    .load_shed()
                    .concurrency_limit(CAPACITY)
            })
            .capacity(CAPACITY)
        },
        fails: &["R5", "R6", "R10"],
    },
    Case {
        what: "counts with each poll of readiness",
        suite: |name| gated(name, Counting::EachPoll),
        fails: &["R3"],
    },
    Case {
        what: "keeps what a ready clone held when that is dropped",
        suite: |name| gated(name, Counting::NeverReturned),
        fails: &["R4", "A1"],
    },
    Case {
        what: "admits callers that do not poll readiness",
        suite: |name| gated(name, Counting::OnlyInReadiness),
        fails: &["R12"],
    },
];

const CAPACITY: usize = 3;
const MAX_WAIT: Duration = Duration::from_millis(50);

const PLAIN: Manner = Manner {
    refuses: false,
    holds_body: false,
    leaks_when_dropped: false,
    max_wait: None,
    readies: None,
    arms_late: false,
    ends: None,
    idle: None,
};

const REFUSES: Manner = Manner {
    refuses: true,
    ..PLAIN
};

const HOLDS_BODY: Manner = Manner {
    holds_body: true,
    ..PLAIN
};

const LEAKS: Manner = Manner {
    leaks_when_dropped: true,
    ..PLAIN
};

const PATIENT: Manner = Manner {
    max_wait: Some(MAX_WAIT),
    ..PLAIN
};

const ARMS_LATE: Manner = Manner {
    arms_late: true,
    ..PATIENT
};

fn two_ways(name: &'static str, fault: Option<Fault>) -> Conformance {
    Conformance::new(name, move || {
        let queue = Queue::new(CAPACITY, fault);
        limit(Arc::clone(&queue), PLAIN).beside(gate_layer(queue, Counting::Right))
    })
    .capacity(CAPACITY)
    .sharing(Sharing::Shared)
}

fn ending(name: &'static str, ends: Ends) -> Conformance {
    let manner = Manner {
        ends: Some(ends),
        max_wait: Some(LONGEST),
        ..HOLDS_BODY
    };
    let suite = of(name, None, manner).holds_body().needs_timer();
    suite.ends_within(LONGEST)
}

fn idle(name: &'static str, idle: Idle, refuses: bool) -> Conformance {
    let manner = Manner {
        idle: Some(idle),
        refuses,
        ..HOLDS_BODY
    };
    let suite = of(name, None, manner).holds_body().needs_timer();
    suite.reader_idle(IDLE)
}

const fn readying(readies: Readies) -> Manner {
    Manner {
        readies: Some(readies),
        ..PATIENT
    }
}

fn of(name: &'static str, fault: Option<Fault>, manner: Manner) -> Conformance {
    Conformance::new(name, move || limit(Queue::new(CAPACITY, fault), manner))
        .capacity(CAPACITY)
        .sharing(Sharing::Shared)
}

/// A limit that reserves in `poll_ready` and rejects when full, which is not what these are about.
fn gated(name: &'static str, counting: Counting) -> Conformance {
    Conformance::new(name, move || gate(Queue::new(CAPACITY, None), counting))
        .capacity(CAPACITY)
        .readiness(buttress_testkit::Readiness::Reserve { idle_release: None })
}
