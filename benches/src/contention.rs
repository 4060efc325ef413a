//! Threads with a common handle: how much longer a call takes because of the others.

use std::sync::{Arc, Barrier};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::case::Case;
use crate::drive::{Drive, Lane, Work};
use crate::runtime::runtime;
use crate::timing::{median, now, per_call};

/// The results of one case.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The name of the case.
    pub case: &'static str,
    /// The figures for each number of threads.
    pub threads: Vec<Shared>,
    /// The maximum ratio of the time of a call with two threads to that with one.
    pub target: Option<f64>,
    /// Whether the target is met.
    pub met: Option<bool>,
}

/// The figures for a number of threads.
#[derive(Debug, Serialize)]
pub struct Shared {
    /// The number of threads.
    pub threads: usize,
    /// Nanoseconds of wall time per call of a thread, in the median round.
    pub ns: Option<f64>,
    /// The ratio to the time with one thread in the same round, in the median round.
    pub ratio: Option<f64>,
    /// The number of rounds in which all threads ran together for at least nine tenths.
    pub rounds: usize,
}

/// Runs each case in turn with one, two and four threads, for a number of rounds of a given length.
///
/// Threads that share a core run in slices of milliseconds, and their rounds are longer, so that the slices at the
/// ends do not matter.
#[must_use]
pub fn measure(cases: &[Case], rounds: u32, length: Duration) -> Vec<Row> {
    let mut seen = vec![[const { Vec::new() }; THREADS.len()]; cases.len()];
    for _ in 0..rounds {
        for (case, seen) in cases.iter().zip(&mut seen) {
            let round = THREADS.map(|threads| together(case, threads, length));
            let [Some(alone), ..] = round else { continue };
            for (seen, shared) in seen.iter_mut().zip(round) {
                seen.extend(shared.map(|ns| (ns, ns / alone)));
            }
        }
    }
    cases
        .iter()
        .zip(seen)
        .map(|(case, seen)| row(case, seen))
        .collect()
}

fn row(case: &Case, seen: [Vec<(f64, f64)>; THREADS.len()]) -> Row {
    let shared = |(threads, seen): (usize, Vec<(f64, f64)>)| {
        let (ns, ratios): (Vec<_>, Vec<_>) = seen.into_iter().unzip();
        Shared {
            threads,
            ns: median(&ns),
            ratio: median(&ratios),
            rounds: ns.len(),
        }
    };
    let threads: Vec<_> = THREADS.into_iter().zip(seen).map(shared).collect();
    let target = case.scaling().and_then(|scaling| scaling.at_most);
    let two = threads
        .iter()
        .find(|shared| shared.threads == 2)
        .and_then(|shared| shared.ratio);
    Row {
        case: case.name(),
        met: target.and_then(|most| Some(two? <= most)),
        target,
        threads,
    }
}

/// Returns the nanoseconds per call of a thread, or `None` if the threads did not run together.
fn together(case: &Case, threads: usize, length: Duration) -> Option<f64> {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let length = match threads.div_ceil(cores.len().max(1)) {
        1 => length,
        turns => length * 2 * turns as u32,
    };
    let instance = case.instance();
    let work: Vec<_> = (0..threads).map(|_| instance(Drive::Reuse)).collect();
    let barrier = Barrier::new(threads);
    let spans: Vec<Span> = thread::scope(|scope| {
        let run = |(number, work)| {
            let core = cores.get(number % cores.len().max(1)).copied();
            let barrier = &barrier;
            scope.spawn(move || {
                core.map(core_affinity::set_for_current);
                one(work, barrier, length)
            })
        };
        let threads: Vec<_> = work.into_iter().enumerate().map(run).collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .collect()
    });
    (overlap(&spans)? >= ENOUGH).then(|| wait(&spans))
}

/// The work of one thread: its own clone, its own loop, and its own runtime for timers.
fn one(mut work: Work, barrier: &Barrier, length: Duration) -> Span {
    let runtime = runtime().expect("a runtime without drivers can be built");
    let _context = runtime.enter();
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let lane = &mut Lane::parking(&waker);
    let chunk = chunk(&mut work, lane);
    barrier.wait();
    let start = now();
    let mut calls = 0;
    let mut end = start;
    while end - start < length {
        work(lane, chunk);
        calls += chunk;
        end = now();
    }
    Span { start, end, calls }
}

/// Returns how many calls to make between two reads of the clock, so that the reads do not matter: a hundred times
/// the duration of a read. Also warms up.
fn chunk(work: &mut Work, lane: &mut Lane<'_>) -> u64 {
    let start = now();
    work(lane, WARM_UP);
    let call = per_call(start.elapsed(), WARM_UP).max(1.0);
    (BETWEEN_LOOKS.as_nanos() as f64 / call).ceil() as u64
}

/// The calls of one thread in a round.
struct Span {
    start: Instant,
    end: Instant,
    calls: u64,
}

/// The fraction of the round in which all threads ran.
fn overlap(spans: &[Span]) -> Option<f64> {
    let starts = || spans.iter().map(|span| span.start);
    let ends = || spans.iter().map(|span| span.end);
    let shared = ends().min()?.saturating_duration_since(starts().max()?);
    let whole = ends().max()?.saturating_duration_since(starts().min()?);
    (!whole.is_zero()).then(|| shared.as_secs_f64() / whole.as_secs_f64())
}

/// The total time of all threads per call.
fn wait(spans: &[Span]) -> f64 {
    let spent: Duration = spans.iter().map(|span| span.end - span.start).sum();
    let calls: u64 = spans.iter().map(|span| span.calls).sum();
    per_call(spent, calls)
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The numbers of threads. The first is the base of the ratios.
pub const THREADS: [usize; 3] = [1, 2, 4];

/// The fraction of a round in which the threads must run together for it to count.
const ENOUGH: f64 = 0.9;

/// The calls before a round.
const WARM_UP: u64 = 200;

/// The approximate time between two reads of the clock.
const BETWEEN_LOOKS: Duration = Duration::from_micros(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn span(base: Instant, start: u64, end: u64, calls: u64) -> Span {
        let at = |ms| base + Duration::from_millis(ms);
        Span {
            start: at(start),
            end: at(end),
            calls,
        }
    }

    #[test]
    fn overlap_is_the_fraction_in_which_all_ran() {
        let base = now();
        let spans = |other| [span(base, 0, 10, 1), other];
        assert_eq!(overlap(&spans(span(base, 0, 10, 1))), Some(1.0));
        assert_eq!(overlap(&spans(span(base, 2, 10, 1))), Some(0.8));
        assert_eq!(overlap(&spans(span(base, 10, 20, 1))), Some(0.0));
        assert_eq!(overlap(&[]), None);
    }

    #[test]
    fn a_call_waits_for_its_share_of_all_threads_time() {
        let base = now();
        let spans = [span(base, 0, 10, 1_000), span(base, 0, 10, 1_000)];
        assert_eq!(wait(&spans), 10_000.0);
    }

    #[test]
    fn a_ratio_within_its_bound_is_met() {
        let case = Case::rule("handle", || || ()).scaling_within(1.5);
        for (ratio, met) in [(1.5, true), (1.6, false)] {
            let row = row(
                &case,
                [vec![(20.0, 1.0)], vec![(20.0 * ratio, ratio)], vec![]],
            );
            assert_eq!(row.met, Some(met));
            assert_eq!(row.threads[2].ratio, None);
        }
    }

    #[test]
    fn a_row_without_two_threads_has_no_verdict() {
        let case = Case::rule("handle", || || ()).scaling_within(1.5);
        assert_eq!(row(&case, [vec![(20.0, 1.0)], vec![], vec![]]).met, None);
    }
}
