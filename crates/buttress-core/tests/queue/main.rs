//! The wait queue against its rules, one by one, and against a naive model at random.

mod looks;
mod model;
mod orders;
mod refinement;
mod room;

use std::time::{Duration, Instant};

use buttress_core::queue::{Exit, QueueConfig, Terms, Ticket, WaitQueue};
use buttress_core::{Criticality, Deadline};

/// A queue of numbers and its clock.
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

    /// Lets somebody wait for whom there is room.
    fn push(&mut self, who: u32, terms: Terms) -> Ticket {
        let pushed = self.queue.push(who, terms, self.now).expect("room");
        assert_eq!(pushed.displaced, None);
        pushed.ticket
    }

    fn pop(&mut self) -> Option<Exit<u32>> {
        self.queue.pop(self.now)
    }

    /// All who are served now, in their order. Whoever is dropped meanwhile is a mistake.
    fn serve_all(&mut self) -> Vec<u32> {
        std::iter::from_fn(|| self.pop())
            .map(|exit| match exit {
                Exit::Served(who) => who,
                Exit::Dropped(who, why) => panic!("{who} was dropped: {why:?}"),
            })
            .collect()
    }

    fn within(&self, milliseconds: u32) -> Terms {
        Terms {
            deadline: Some(Deadline::at(self.now + milliseconds * MS)),
            ..Terms::default()
        }
    }
}

fn that_is(criticality: Criticality) -> Terms {
    Terms {
        criticality,
        ..Terms::default()
    }
}

/// Some moment to begin at.
#[allow(clippy::disallowed_methods)]
fn epoch() -> Instant {
    Instant::now()
}
