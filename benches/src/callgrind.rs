//! Instructions: the bench runs itself under callgrind, one case at a time, with few calls and with many.
//!
//! The slope between the two is the cost of one call; starting and setting up are in both and cancel out.
//! The kernel's instructions are not counted, and under valgrind a clock is read by a system call.

use std::io;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::case::Case;
use crate::drive::{Drive, Lane};
use crate::options::Count;
use crate::recorder;

/// Whether valgrind can be run here.
#[must_use]
pub fn installed() -> bool {
    Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The instructions a call of each case takes, each way, in the order of `cases` and `drives`.
///
/// One valgrind runs per core. A run that fails leaves `None` and says why on stderr.
#[must_use]
pub fn instructions(cases: &[Case], drives: &[Drive]) -> Vec<Vec<Option<f64>>> {
    let jobs: Vec<(&str, u64, Drive)> = cases
        .iter()
        .flat_map(|case| {
            drives
                .iter()
                .map(|drive| (case.name(), case.calls_a_round(), *drive))
        })
        .collect();
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((*job, measure(*job)));
        }
        done
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let done: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_default())
            .collect()
    });
    let found = |job| {
        done.iter()
            .find(|(other, _)| *other == job)
            .and_then(|(_, slope)| *slope)
    };
    jobs.chunks(drives.len())
        .map(|jobs| jobs.iter().map(|job| found(*job)).collect())
        .collect()
}

/// What a bench does when it was started by [`instructions`]: the calls, and nothing else.
///
/// # Errors
///
/// If there is no such case.
pub fn count(count: &Count, cases: &[Case]) -> Result<(), String> {
    let case = cases
        .iter()
        .find(|case| case.name() == count.case)
        .ok_or_else(|| format!("no case {:?}", count.case))?;
    if case.wants_recorder() {
        recorder::install();
    }
    let mut work = case.instance()(count.drive);
    work(&mut Lane::alone(), count.calls);
    Ok(())
}

fn measure((case, calls, drive): (&str, u64, Drive)) -> Option<f64> {
    let (few, many) = (calls / 10, calls / 10 * 6);
    let collected = |calls| {
        collect(case, drive, calls)
            .inspect_err(|error| eprintln!("{case}: no instructions: {error}"))
            .ok()
    };
    slope((few, collected(few)?), (many, collected(many)?))
}

fn collect(case: &str, drive: Drive, calls: u64) -> io::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["--count", case, drive.as_str(), &calls.to_string()])
        .stdout(Stdio::null())
        .output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(io::Error::other(log.into_owned()));
    }
    collected(&log).ok_or_else(|| io::Error::other("callgrind did not say what it collected"))
}

/// The total in callgrind's log, from its line `==1== Collected : 1234`.
fn collected(log: &str) -> Option<u64> {
    let (_, total) = log
        .lines()
        .find_map(|line| line.split_once("Collected :"))?;
    total.trim().parse().ok()
}

/// Instructions a call, from two totals of so many calls each.
fn slope((few, less): (u64, u64), (many, more): (u64, u64)) -> Option<f64> {
    let calls = many.checked_sub(few).filter(|calls| *calls > 0)?;
    // A case may be so cheap that the two starts differ by more than all of its calls.
    Some(more.saturating_sub(less) as f64 / calls as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_from_the_log() {
        let log = "==7== Events    : Ir\n==7== Collected : 1234\n==7== \n";
        assert_eq!(collected(log), Some(1234));
        assert_eq!(collected("==7== Events    : Ir"), None);
    }

    #[test]
    fn what_both_runs_share_cancels_out() {
        let total = |calls| (calls, 1_000_000 + 150 * calls);
        assert_eq!(slope(total(2_000), total(12_000)), Some(150.0));
    }

    #[test]
    fn there_is_no_slope_through_one_point() {
        assert_eq!(slope((5, 10), (5, 20)), None);
    }

    #[test]
    fn an_unknown_case_is_refused_by_name() {
        let count_of = Count {
            case: "nobody".to_owned(),
            drive: Drive::Reuse,
            calls: 1,
        };
        assert!(count(&count_of, &[]).unwrap_err().contains("nobody"));
    }
}
