//! Instructions: the bench runs itself under callgrind, one case at a time.
//!
//! Callgrind collects only in the function that makes the calls, so starting, setting up and warming up are not
//! counted. The kernel's instructions are not counted, and under valgrind a clock is read by a system call.

use std::io;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::case::Case;
use crate::drive::{Drive, Lane, Work};
use crate::options::Count;
use crate::recorder;

/// Returns whether valgrind can be run.
#[must_use]
pub fn installed() -> bool {
    Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Returns the instructions of a call of each case, for each drive, in the order of `cases` and `drives`.
///
/// One valgrind runs per core. A run that fails gives `None`, and its error is printed on stderr.
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
            .and_then(|(_, found)| *found)
    };
    jobs.chunks(drives.len())
        .map(|jobs| jobs.iter().map(|job| found(*job)).collect())
        .collect()
}

/// Makes the calls, in a bench that was started by [`instructions`].
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
    // The first calls include lazy initialization.
    work(&mut Lane::alone(), count.calls.div_ceil(10));
    counted(&mut work, count.calls);
    Ok(())
}

/// The calls that are counted. Callgrind finds this function by its name.
#[inline(never)]
fn counted(work: &mut Work, calls: u64) {
    work(&mut Lane::alone(), calls);
}

fn measure((case, calls, drive): (&str, u64, Drive)) -> Option<f64> {
    // Half a round is enough: the same calls take the same instructions.
    let calls = calls.div_ceil(2);
    match collect(case, drive, calls) {
        Ok(total) => Some(total as f64 / calls as f64),
        Err(error) => {
            eprintln!("{case}: no instructions: {error}");
            None
        }
    }
}

fn collect(case: &str, drive: Drive, calls: u64) -> io::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(std::env::current_exe()?)
        .args(["--count", case, drive.as_str(), &calls.to_string()])
        .stdout(Stdio::null())
        .output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(io::Error::other(log.into_owned()));
    }
    collected(&log).ok_or_else(|| io::Error::other("callgrind collected nothing"))
}

/// The total in callgrind's log, in the line `==1== Collected : 1234`. A total of 0 means that it did not find the
/// function.
fn collected(log: &str) -> Option<u64> {
    let (_, total) = log
        .lines()
        .find_map(|line| line.split_once("Collected :"))?;
    total.trim().parse().ok().filter(|total| *total > 0)
}

/// The name of [`counted`], as callgrind demangles it.
const COUNTED: &str = "buttress_benches::callgrind::counted";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_from_the_log() {
        let log = "==7== Events    : Ir\n==7== Collected : 1234\n==7== \n";
        assert_eq!(collected(log), Some(1234));
    }

    #[test]
    fn a_log_without_a_total_gives_none() {
        assert_eq!(collected("==7== Events    : Ir"), None);
        assert_eq!(collected("==7== Collected : 0"), None);
    }

    #[test]
    fn an_unknown_case_is_rejected_by_name() {
        let count_of = Count {
            case: "missing".to_owned(),
            drive: Drive::Reuse,
            calls: 1,
        };
        assert!(count(&count_of, &[]).unwrap_err().contains("missing"));
    }
}
