//! The wait queue: one test for each rule, and a naive model with random steps.

mod looks;
mod model;
mod orders;
mod refinement;
mod room;

use std::time::{Duration, Instant};

use buttress_core::queue::{Dequeued, QueueConfig, Ticket, WaitParams, WaitQueue};
use buttress_core::{Criticality, Deadline};

/// A queue of numbers with its clock.
struct Line {
    queue: WaitQueue<u32>,
    now: Instant,
}

const MS: Duration = Duration::from_millis(1);

impl Line {
    fn new(config: QueueConfig) -> Self {
        let now = epoch();
        Self {
            queue: WaitQueue::new(config, now).expect("valid"),
            now,
        }
    }

    fn wait(&mut self, milliseconds: u32) {
        self.now += milliseconds * MS;
    }

    /// Adds a waiter for which there is room.
    fn push(&mut self, who: u32, terms: WaitParams) -> Ticket {
        let pushed = self.queue.push(who, terms, self.now).expect("room");
        assert_eq!(pushed.displaced, None);
        pushed.ticket
    }

    fn pop(&mut self) -> Option<Dequeued<u32>> {
        self.queue.pop(self.now)
    }

    /// Serves all waiters. Returns them in order. A dropped waiter is a failure.
    fn serve_all(&mut self) -> Vec<u32> {
        std::iter::from_fn(|| self.pop())
            .map(|exit| match exit {
                Dequeued::Served(who) => who,
                Dequeued::Dropped(who, why) => panic!("{who} was dropped: {why:?}"),
            })
            .collect()
    }

    fn within(&self, milliseconds: u32) -> WaitParams {
        WaitParams {
            deadline: Some(Deadline::at(self.now + milliseconds * MS)),
            ..WaitParams::default()
        }
    }
}

fn that_is(criticality: Criticality) -> WaitParams {
    WaitParams {
        criticality,
        ..WaitParams::default()
    }
}

/// An arbitrary start time.
#[allow(clippy::disallowed_methods)]
fn epoch() -> Instant {
    Instant::now()
}
