//! The invariants, one file for each family. To add an invariant, write its function and list it in its family.

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
mod rejection;
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

/// An invariant: its name, its statement, and its check.
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
    rejection::FAMILY,
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

/// A timer with a resolution of one millisecond may be late by this much.
const MOMENT: Duration = Duration::from_millis(1);
