//! Readers that poll for no frame, and wrong ways to detect them.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use crate::faults::held::Hold;
use crate::faults::queue::Place;

/// What happens to the slots of readers that poll for no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idle {
    /// They are lost, and so are the bodies.
    BreaksOff,
    /// They are taken back this long after the head, whatever was read since.
    CountsFromTheHead,
    /// They are lost too while the inner service owes a frame.
    CountsTheService,
    /// They are taken back when a caller comes, and not while a caller waits.
    LooksOnArrival,
    /// They are lost where others find none.
    Right,
}

/// How long a reader may ask for nothing.
pub(crate) const IDLE: Duration = Duration::from_secs(3_600);

/// The bodies that hold a slot.
#[derive(Clone)]
pub(crate) struct Readers {
    idle: Option<Idle>,
    holds: Arc<Mutex<Vec<Weak<Hold>>>>,
}

impl Readers {
    pub(crate) fn new(idle: Option<Idle>) -> Self {
        let holds = Arc::default();
        Self { idle, holds }
    }

    pub(crate) fn idle(&self) -> Option<Idle> {
        self.idle
    }

    pub(crate) fn enter(&self, hold: &Arc<Hold>) {
        let mut holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        holds.retain(|hold| hold.strong_count() > 0);
        holds.push(Arc::downgrade(hold));
    }

    /// Takes back the slots of readers that are idle for long. Returns when another may be.
    pub(crate) fn take_idle(&self) -> Instant {
        let now = Instant::now();
        let mut next = now + IDLE;
        let mut places: Vec<Place> = Vec::new();
        if self.idle.is_some() {
            let holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
            for hold in holds.iter().filter_map(Weak::upgrade) {
                match hold.idle_since().map(|since| since + IDLE) {
                    Some(until) if until <= now => places.extend(hold.take_place()),
                    Some(until) => next = next.min(until),
                    None => {}
                }
            }
        }
        drop(places);
        next
    }
}
