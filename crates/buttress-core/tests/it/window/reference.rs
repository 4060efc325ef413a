//! A naive window: it keeps every call, and reads all of them for every result.

use buttress_core::window::{Counts, Mark, Window};

/// All calls ever recorded, and the span of the window.
#[derive(Debug)]
pub(crate) struct Reference {
    window: Window,
    calls: Vec<(u64, Mark)>,
    latest: u64,
}

impl Reference {
    pub(crate) fn new(window: Window) -> Self {
        Self {
            window,
            calls: Vec::new(),
            latest: 0,
        }
    }

    pub(crate) fn record(&mut self, at: u64, mark: Mark) {
        self.calls.push((at, mark));
        self.latest = self.latest.max(at);
    }

    /// The calls in the window: the last calls up to its size, or those in the bucket of `now` and the fifteen before
    /// it. If the clock goes back, the latest time is used.
    pub(crate) fn counts(&mut self, now: u64) -> Counts {
        self.latest = self.latest.max(now);
        match self.window {
            Window::Count(size) => {
                let first = self.calls.len().saturating_sub(size as usize);
                sum(&self.calls[first..])
            }
            Window::Time(_) => sum(self.since(self.edge(self.window))),
        }
    }

    /// The calls that end at or after `edge`.
    pub(crate) fn since(&self, edge: u64) -> impl Iterator<Item = &(u64, Mark)> {
        self.calls.iter().filter(move |(at, _)| *at >= edge)
    }

    /// The start of the oldest bucket of `window`, at the latest time seen.
    pub(crate) fn edge(&self, window: Window) -> u64 {
        let bucket = bucket_nanos(window);
        (self.latest / bucket).saturating_sub(15) * bucket
    }

    pub(crate) fn clear(&mut self) {
        self.calls.clear();
    }

    /// A new count window excludes the calls that the old one no longer held.
    pub(crate) fn resize_count(&mut self, size: u32) {
        let Window::Count(before) = self.window else {
            panic!("not a count window");
        };
        let forgotten = self.calls.len().saturating_sub(before as usize);
        self.calls.drain(..forgotten);
        self.window = Window::Count(size);
    }
}

/// The length of a bucket: a sixteenth of a time window, rounded up.
pub(crate) fn bucket_nanos(window: Window) -> u64 {
    let Window::Time(time) = window else {
        panic!("not a time window");
    };
    time.as_nanos().div_ceil(16) as u64
}

pub(crate) fn sum<'a>(calls: impl IntoIterator<Item = &'a (u64, Mark)>) -> Counts {
    let mut counts = Counts::default();
    for (_, mark) in calls {
        counts.calls += 1;
        counts.failures += u64::from(mark.failed);
        counts.slow += u64::from(mark.slow);
    }
    counts
}
