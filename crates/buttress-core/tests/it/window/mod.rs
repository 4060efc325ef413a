//! The sliding windows against a brute-force reference: invariant B5 of the conformance suite.

mod exact;
mod reference;
mod resize;
mod strategies;
mod time;

use buttress_core::window::{Counts, History, Mark, Successes, Window};

/// Both parts of a window, used as a circuit uses them.
#[derive(Debug)]
struct Sliding {
    successes: Successes,
    history: History,
}

impl Sliding {
    fn new(window: Window) -> Self {
        Self {
            successes: Successes::new(window),
            history: History::new(window),
        }
    }

    fn record(&mut self, at: u64, mark: Mark) {
        if mark == Mark::default() {
            self.successes.add(self.successes.generation(), at);
        } else {
            self.history.record(&self.successes, at, mark);
        }
    }

    fn counts(&mut self, now: u64) -> Counts {
        self.history.counts(&self.successes, now)
    }

    fn clear(&mut self) {
        self.history.clear(&self.successes);
    }

    fn resize(&mut self, window: Window, now: u64) {
        self.history.resize(&self.successes, window, now);
    }
}

const GOOD: Mark = Mark {
    failed: false,
    slow: false,
};
const FAILED: Mark = Mark {
    failed: true,
    slow: false,
};
