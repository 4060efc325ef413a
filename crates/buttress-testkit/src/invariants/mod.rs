//! The invariants, a file for each family. To add one, write its function and name it in the
//! family's list.

mod accounting;
mod body;
mod cancellation;
mod clock;
mod idle;
mod memory;
mod panics;
mod polling;
mod queue;
mod readers;
mod readiness;
mod recovery;
mod refusal;
mod runtime;
mod sending;
mod streams;
mod timerless;
mod turns;
mod unready;
mod waits;
mod waking;

use std::time::Duration;

pub(crate) use self::memory::forgets_waiters;
use crate::finding::Check;
use crate::harness::TestEnv;

/// One invariant: its name, what it says, and how to examine it.
pub(crate) struct Invariant {
    pub(crate) name: &'static str,
    pub(crate) statement: &'static str,
    pub(crate) check: fn(&TestEnv<'_>) -> Check,
}

/// Every invariant, in the order of the report.
pub(crate) fn all() -> impl Iterator<Item = &'static Invariant> {
    FAMILIES.iter().copied().flatten()
}

const FAMILIES: &[&[Invariant]] = &[
    readiness::FAMILY,
    waking::FAMILY,
    unready::FAMILY,
    refusal::FAMILY,
    polling::FAMILY,
    cancellation::FAMILY,
    panics::FAMILY,
    accounting::FAMILY,
    body::FAMILY,
    readers::FAMILY,
    idle::FAMILY,
    streams::FAMILY,
    memory::FAMILY,
    queue::FAMILY,
    waits::FAMILY,
    turns::FAMILY,
    sending::FAMILY,
    recovery::FAMILY,
    clock::FAMILY,
    runtime::FAMILY,
    timerless::FAMILY,
];

/// As long as a timer of a millisecond may be late.
const MOMENT: Duration = Duration::from_millis(1);
