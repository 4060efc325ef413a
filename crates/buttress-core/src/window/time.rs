use super::BUCKETS;
use super::history::{Counts, Mark};
use super::successes::Successes;

/// The calls that failed or were slow in the last sixteen buckets, each stored with the number of its bucket.
#[derive(Debug, Default)]
pub(super) struct TimeRing {
    buckets: [Bucket; BUCKETS],
    latest: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Bucket {
    number: u64,
    counts: Counts,
}

impl TimeRing {
    /// Records calls in a bucket. Calls older than the window are discarded.
    pub(super) fn record(&mut self, number: u64, calls: u64, mark: Mark) {
        let mut counts = Counts::default();
        counts.add(calls, mark);
        self.merge(number, counts);
    }

    /// Adds counts to a bucket, unless it is older than the window.
    pub(super) fn merge(&mut self, number: u64, counts: Counts) {
        self.latest = self.latest.max(number);
        let bucket = &mut self.buckets[number as usize % BUCKETS];
        if bucket.number < number {
            *bucket = Bucket {
                number,
                ..Bucket::default()
            };
        }
        if bucket.number == number {
            bucket.counts += counts;
        }
    }

    /// Returns the counts of the window whose current bucket is `current`. If time went backwards, the latest bucket
    /// stays current.
    pub(super) fn counts(&mut self, successes: &Successes, current: u64) -> Counts {
        let mut sum = Counts::default();
        self.each(successes, current, |_, counts| sum += counts);
        sum
    }

    /// Returns the counts since the start of each bucket, the newest bucket first.
    pub(super) fn suffixes(&mut self, successes: &Successes, current: u64) -> [Counts; BUCKETS] {
        let mut suffixes = [Counts::default(); BUCKETS];
        let mut latest = 0;
        self.each(successes, current, |number, counts| {
            suffixes[number as usize % BUCKETS] = counts;
            latest = number as usize;
        });
        // The order of the ring becomes the order of age.
        suffixes.rotate_left((latest + 1) % BUCKETS);
        suffixes.reverse();
        let mut sum = Counts::default();
        suffixes.map(|counts| {
            sum += counts;
            sum
        })
    }

    /// Returns the counts of each bucket in the window, oldest first.
    pub(super) fn drain(&mut self, successes: &Successes, current: u64) -> Vec<(u64, Counts)> {
        let mut held = Vec::with_capacity(BUCKETS);
        self.each(successes, current, |number, counts| {
            held.push((number, counts))
        });
        held
    }

    fn each(&mut self, successes: &Successes, current: u64, mut visit: impl FnMut(u64, Counts)) {
        self.latest = self.latest.max(current);
        let oldest = self.latest.saturating_sub(BUCKETS as u64 - 1);
        for number in oldest..=self.latest {
            let bucket = &self.buckets[number as usize % BUCKETS];
            let mut counts = if bucket.number == number {
                bucket.counts
            } else {
                Counts::default()
            };
            counts.calls += successes.in_bucket(number);
            visit(number, counts);
        }
    }
}
