//! A window without cleverness: every call is kept, and every question reads them all.

use buttress_core::window::{Counts, Mark, Window};

/// All calls there ever were, and what the window spans.
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

    /// The calls of the window: a number of last calls, or those in the bucket of `now` and the fifteen before it. A
    /// clock that went back stands still.
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

    /// Where the oldest bucket of `window` begins, at the latest time there was.
    pub(crate) fn edge(&self, window: Window) -> u64 {
        let bucket = bucket_nanos(window);
        (self.latest / bucket).saturating_sub(15) * bucket
    }

    pub(crate) fn clear(&mut self) {
        self.calls.clear();
    }

    /// Another count window forgets at once what the old one no longer held.
    pub(crate) fn resize_count(&mut self, size: u32) {
        let Window::Count(before) = self.window else {
            panic!("not a count window");
        };
        let forgotten = self.calls.len().saturating_sub(before as usize);
        self.calls.drain(..forgotten);
        self.window = Window::Count(size);
    }
}

/// A sixteenth of a time window, rounded up.
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
