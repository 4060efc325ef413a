use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::ledger::{Ending, Entry};
use crate::percentiles::Percentiles;
use crate::recovery::recovery;
use crate::schedule::{Phase, Schedule};
use crate::watch::{Crowd, Notes, Stay};

/// What a gateway made of the storm.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    /// Answers in time, per second, by when their requests were due.
    pub(crate) goodput_calm: f64,
    pub(crate) goodput_brownout: f64,
    pub(crate) goodput_after: f64,
    /// Seconds from the end of the brown-out; null if it never recovered.
    pub(crate) recovery_seconds: Option<f64>,
    /// Of the answers in time, over the whole storm.
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    /// Until the request ended in any way: answered, rejected, failed, or given up.
    pub(crate) wait_p99_ms: Option<f64>,
    /// Requests the upstream saw for each that the gateway was sent.
    pub(crate) attempts_per_request: f64,
    /// The share of those that the upstream worked on after their caller had gone.
    pub(crate) abandoned_share: f64,
    pub(crate) offered: u64,
    /// By ending; with `unaccounted` they add up to `offered`.
    pub(crate) endings: BTreeMap<&'static str, u64>,
    /// By the reason the gateway gave.
    pub(crate) refused: BTreeMap<String, u64>,
    pub(crate) unaccounted: u64,
    pub(crate) series: Vec<Point>,
    /// Every state the circuit was seen in, from when on.
    pub(crate) circuit: Vec<Stay>,
    /// How full the gateway was, with the steps of the series.
    pub(crate) crowd: Vec<Full>,
}

/// One step of the time series. Rates are per second; requests count by when they were due.
#[derive(Debug, Serialize)]
pub(crate) struct Point {
    /// When the step begins, in seconds.
    pub(crate) at: f64,
    pub(crate) offered: f64,
    pub(crate) goodput: f64,
    pub(crate) attempts: f64,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) wait_p99_ms: Option<f64>,
}

/// How full the gateway was on average, over one step of the time series.
#[derive(Debug, Serialize)]
pub(crate) struct Full {
    /// When the step begins, in seconds.
    pub(crate) at: f64,
    #[serde(flatten)]
    pub(crate) crowd: Crowd,
}

/// What a gateway leaves behind when the storm is over.
#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) entries: Vec<Entry>,
    /// When each request came to its upstream.
    pub(crate) attempts: Vec<Duration>,
    /// How many of those the upstream worked on after their callers had left.
    pub(crate) abandoned: u64,
    /// What was seen of the layers that hold it up, if any do.
    pub(crate) watched: Notes,
}

impl Figures {
    /// Adds up the records.
    pub(crate) fn of(records: Records, schedule: &Schedule) -> Self {
        let entries = &records.entries;
        let goodput = |phase| {
            let span = schedule.span(phase);
            let good = entries
                .iter()
                .filter(|e| span.contains(&e.due) && e.is_good());
            good.count() as f64 / (span.end - span.start).as_secs_f64()
        };
        let mut endings = BTreeMap::new();
        let mut refused = BTreeMap::new();
        let mut unaccounted = 0;
        for entry in entries {
            let Some((_, ending)) = &entry.ended else {
                unaccounted += 1;
                continue;
            };
            *endings.entry(ending.as_str()).or_insert(0) += 1;
            if let Ending::Refused(reason) = ending {
                *refused.entry(reason.clone()).or_insert(0) += 1;
            }
        }
        let answers = answer_times(entries);
        Self {
            goodput_calm: goodput(Phase::Calm),
            goodput_brownout: goodput(Phase::Brownout),
            goodput_after: goodput(Phase::After),
            recovery_seconds: recovery(entries, schedule).map(|after| after.as_secs_f64()),
            p50_ms: answers.ms(0.50),
            p99_ms: answers.ms(0.99),
            wait_p99_ms: waits(entries).ms(0.99),
            attempts_per_request: ratio(records.attempts.len(), entries.len()),
            abandoned_share: ratio(records.abandoned as usize, records.attempts.len()),
            offered: entries.len() as u64,
            endings,
            refused,
            unaccounted,
            series: series(entries, &records.attempts, schedule.total()),
            crowd: crowd(&records.watched.looks, schedule.total()),
            circuit: records.watched.circuit,
        }
    }
}

/// How long callers waited for their answers in time.
pub(crate) fn answer_times<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Percentiles {
    let good = entries.into_iter().filter(|entry| entry.is_good());
    Percentiles::of(good.filter_map(Entry::waited))
}

/// How long callers waited for their requests to end, well or not.
fn waits<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Percentiles {
    Percentiles::of(entries.into_iter().filter_map(Entry::waited))
}

fn series(entries: &[Entry], attempts: &[Duration], total: Duration) -> Vec<Point> {
    let steps = total.div_duration_f64(STEP).ceil() as usize;
    let mut due = vec![Vec::new(); steps];
    for entry in entries {
        if let Some(step) = due.get_mut(step_of(entry.due)) {
            step.push(entry);
        }
    }
    let mut came = vec![0_usize; steps];
    for at in attempts {
        if let Some(step) = came.get_mut(step_of(*at)) {
            *step += 1;
        }
    }
    let per_second = |count: usize| count as f64 / STEP.as_secs_f64();
    let point = |(step, (due, came)): (usize, (Vec<&Entry>, usize))| {
        let good = due.iter().filter(|entry| entry.is_good()).count();
        Point {
            at: step as f64 * STEP.as_secs_f64(),
            offered: per_second(due.len()),
            goodput: per_second(good),
            attempts: per_second(came),
            p99_ms: answer_times(due.iter().copied()).ms(0.99),
            wait_p99_ms: waits(due.iter().copied()).ms(0.99),
        }
    };
    due.into_iter().zip(came).enumerate().map(point).collect()
}

fn crowd(looks: &[(Duration, Crowd)], total: Duration) -> Vec<Full> {
    let during = looks.partition_point(|(at, _)| *at < total);
    let steps = looks[..during].chunk_by(|(one, _), (other, _)| step_of(*one) == step_of(*other));
    let full = |step: &[(Duration, Crowd)]| {
        let (first, _) = step.first()?;
        Some(Full {
            at: step_of(*first) as f64 * STEP.as_secs_f64(),
            crowd: Crowd::mean(step.iter().map(|(_, crowd)| *crowd))?,
        })
    };
    steps.filter_map(full).collect()
}

/// In which step of the time series a moment is.
fn step_of(at: Duration) -> usize {
    at.div_duration_f64(STEP) as usize
}

fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// The step of the time series.
pub(crate) const STEP: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(due_ms: u64, took_ms: u64, ending: Option<Ending>) -> Entry {
        let due = Duration::from_millis(due_ms);
        Entry {
            due,
            sent: due,
            ended: ending.map(|ending| (due + Duration::from_millis(took_ms), ending)),
        }
    }

    fn figures(entries: Vec<Entry>) -> Figures {
        let records = Records {
            entries,
            attempts: vec![Duration::from_millis(100); 6],
            abandoned: 3,
            watched: Notes::default(),
        };
        Figures::of(records, &Schedule::new(Duration::from_secs(4)))
    }

    #[test]
    fn every_request_is_counted_once_or_unaccounted_for() {
        let refused = || Some(Ending::Refused("circuit_open".to_owned()));
        let figures = figures(vec![
            entry(100, 10, Some(Ending::Answered)),
            entry(1_100, 1, refused()),
            entry(1_200, 1, refused()),
            entry(2_100, 30, Some(Ending::Answered)),
            entry(2_200, 900, Some(Ending::HungUp)),
            entry(2_300, 0, None),
        ]);
        assert_eq!(figures.offered, 6);
        assert_eq!(figures.unaccounted, 1);
        assert_eq!(figures.endings.values().sum::<u64>(), 5);
        assert_eq!(
            figures.refused,
            BTreeMap::from([("circuit_open".to_owned(), 2)])
        );
        assert_eq!(figures.goodput_calm, 1.0);
        assert_eq!(figures.goodput_brownout, 0.0);
        assert_eq!(figures.goodput_after, 0.5);
        assert_eq!(figures.attempts_per_request, 1.0);
        assert_eq!(figures.abandoned_share, 0.5);
    }

    #[test]
    fn percentiles_of_answers_leave_out_what_was_not_answered() {
        let figures = figures(vec![
            entry(100, 10, Some(Ending::Answered)),
            entry(200, 1_200, Some(Ending::HungUp)),
        ]);
        assert!((figures.p99_ms.unwrap() - 10.0).abs() < 0.1);
        assert!((figures.wait_p99_ms.unwrap() - 1_200.0).abs() < 2.0);
    }

    #[test]
    fn the_series_covers_the_storm_and_loses_nothing() {
        let entries = (0..40).map(|i| entry(100 * i, 5, Some(Ending::Answered)));
        let figures = figures(entries.collect());
        assert_eq!(figures.series.len(), 8);
        let offered: f64 = figures.series.iter().map(|point| point.offered).sum();
        assert_eq!(offered * STEP.as_secs_f64(), 40.0);
        assert_eq!(figures.series[0].attempts, 12.0);
    }

    #[test]
    fn how_full_it_was_is_averaged_over_each_step_of_the_storm() {
        let look = |ms, queued| {
            let at = Duration::from_millis(ms);
            let crowd = Crowd {
                queued,
                ..Crowd::default()
            };
            (at, crowd)
        };
        // The last is after the end, and two of the steps have no sample.
        let looks = [
            look(0, 1.0),
            look(499, 3.0),
            look(1_700, 5.0),
            look(2_000, 9.0),
        ];
        let full = crowd(&looks, Duration::from_secs(2));
        let seen: Vec<_> = full
            .iter()
            .map(|full| (full.at, full.crowd.queued))
            .collect();
        assert_eq!(seen, [(0.0, 2.0), (1.5, 5.0)]);
    }

    #[test]
    fn a_storm_without_requests_has_figures_all_the_same() {
        let figures = figures(Vec::new());
        assert_eq!(figures.p50_ms, None);
        assert_eq!(figures.goodput_calm, 0.0);
    }
}
