use crate::Ratio;
use crate::window::{BUCKETS, Counts, Window};

/// The calls of a window as evidence against the dependency.
///
/// A time window is tested at each of its suffixes, so that calls before an outage do not hide it: the cumulative sum
/// of Page ("Continuous inspection schemes", Biometrika 1954), restarted at the buckets only. By Lorden ("Procedures for
/// reacting to a change in distribution", 1971) no rule detects a failure ratio sooner with as few false alarms.
#[derive(Debug)]
pub(super) struct Evidence {
    /// Newest first.
    pub(super) suffixes: [Counts; BUCKETS],
    pub(super) window: Window,
    pub(super) minimum_calls: u32,
}

impl Evidence {
    /// Whether more than `ratio` of the calls are `part`, and enough of them.
    pub(super) fn exceeds(&self, ratio: Ratio, part: impl Fn(&Counts) -> u64) -> bool {
        let ratio = ratio.get();
        let margin = match self.window {
            Window::Count(_) => 0.0,
            Window::Time(_) => MARGIN * ratio * (1.0 - ratio),
        };
        self.suffixes.iter().any(|counts| {
            counts.calls >= u64::from(self.minimum_calls)
                && part(counts) as f64 + ROUNDING >= ratio * counts.calls as f64 + margin
        })
    }

    /// Whether `row` failures in a row are no chance, with the share of failures among the calls before them.
    pub(super) fn is_outage(&self, row: u32) -> bool {
        let row_calls = u64::from(row);
        let chance = self
            .suffixes
            .iter()
            .filter(|counts| counts.calls >= row_calls + BEFORE)
            .map(|counts| {
                let failures = counts.failures.saturating_sub(row_calls);
                failures as f64 / (counts.calls - row_calls) as f64
            })
            .fold(0.0, f64::max);
        chance.powi(i32::try_from(row).unwrap_or(i32::MAX)) <= ROW_BY_CHANCE
    }
}

/// The failures beyond the ratio, as a multiple of `ratio × (1 - ratio)`, that are no chance. By Wald's inequality, a
/// sum that starts at a bucket exceeds it with a probability of at most `exp(-2 × 0.2 × 32)`, 3 in a million, if the
/// dependency fails 20 percentage points less often than the ratio.
///
/// Chosen by the table "circuit: false openings" of the simulations.
const MARGIN: f64 = 32.0;
/// The probability below which a row of failures is no chance. At 1000 calls a second, of which 30 % fail, a tenth of
/// a row a day is less probable. Chosen by the same table.
const ROW_BY_CHANCE: f64 = 1e-9;
/// The fewest calls before a row that give a share of failures.
const BEFORE: u64 = 4;
/// More than the error of the products, and less than any difference of theirs for ratios in whole per mille.
const ROUNDING: f64 = 1e-9;
