//! Measures cases: time first, while the machine is idle, then instructions.

use crate::case::Case;
use crate::drive::Drive;
use crate::options::Options;
use crate::row::Row;
use crate::{callgrind, timing};

/// Returns a row for each case, with its nanoseconds and instructions for each of `drives`.
#[must_use]
pub fn measure(cases: &[Case], drives: &[Drive], options: &Options) -> Vec<Row> {
    let mut rows: Vec<_> = cases.iter().map(|case| Row::new(case.name())).collect();
    let (rounds, share) = if options.smoke { (1, 100) } else { (ROUNDS, 1) };
    for (row, times) in rows
        .iter_mut()
        .zip(timing::time(cases, drives, rounds, share))
    {
        for (drive, rounds) in drives.iter().zip(times) {
            let figures = row.figures(*drive);
            figures.ns_best = rounds.best();
            figures.ns_median = rounds.median();
        }
    }
    if !callgrind::installed() {
        eprintln!("valgrind is not installed: no instructions are counted");
        return rows;
    }
    let few = if options.smoke {
        cases.len().min(SMOKE)
    } else {
        cases.len()
    };
    for (row, counts) in rows
        .iter_mut()
        .zip(callgrind::instructions(&cases[..few], drives))
    {
        for (drive, count) in drives.iter().zip(counts) {
            row.figures(*drive).instructions = count;
        }
    }
    rows
}

/// The rounds of each case, for each drive.
const ROUNDS: u32 = 25;

/// How many cases a smoke run measures under valgrind, which takes a second to start.
const SMOKE: usize = 3;
