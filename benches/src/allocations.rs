//! Allocations: a second binary with a counting allocator makes the calls, so that the timed binary uses the default
//! allocator.

use std::alloc::System;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use stats_alloc::{Region, StatsAlloc};

use crate::case::Case;
use crate::drive::{Drive, Lane};
use crate::recorder;

/// The allocations of one call.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Allocated {
    /// The number of allocations and reallocations.
    pub allocations: f64,
    /// The number of bytes.
    pub bytes: f64,
}

/// Runs the counting binary, which prints the result of [`count`].
///
/// # Errors
///
/// If it cannot be run, or its output is invalid.
pub fn ask(binary: &Path) -> io::Result<BTreeMap<String, Allocated>> {
    let output = Command::new(binary).stderr(Stdio::inherit()).output()?;
    serde_json::from_slice(&output.stdout).map_err(io::Error::other)
}

/// Counts for every case, by its name. The cases with a recorder are last, because it stays installed.
#[must_use]
pub fn count(cases: &[Case], allocator: &StatsAlloc<System>) -> BTreeMap<String, Allocated> {
    let (with, without): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.wants_recorder());
    let counted = |case: &Case| (case.name().to_owned(), count_one(case, allocator));
    let mut all: BTreeMap<_, _> = without.into_iter().map(counted).collect();
    if !with.is_empty() {
        recorder::install();
        all.extend(with.into_iter().map(counted));
    }
    all
}

fn count_one(case: &Case, allocator: &StatsAlloc<System>) -> Allocated {
    let calls = case.calls_a_round() / 10;
    let mut work = case.instance()(Drive::Reuse);
    let lane = &mut Lane::alone();
    // What is allocated once and kept is not counted for a call.
    work(lane, calls);
    let region = Region::new(allocator);
    work(lane, calls);
    let change = region.change();
    Allocated {
        allocations: (change.allocations + change.reallocations) as f64 / calls as f64,
        bytes: change.bytes_allocated as f64 / calls as f64,
    }
}
