use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::gateway::buttress::Handles;

/// Watches what holds the gateway up, and notes what it sees.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch(Arc<Mutex<Notes>>);

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes {
    /// Every state of the circuit.
    pub(crate) circuit: Vec<Stay>,
    /// How full it was, look by look.
    pub(crate) looks: Vec<(Duration, Crowd)>,
}

/// A state of the circuit, and when it was entered, in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Stay {
    pub(crate) at: f64,
    pub(crate) state: &'static str,
}

/// How full the gateway was, in a moment or on average.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Crowd {
    /// The shedder's limit.
    pub(crate) limit: f64,
    /// The number of admitted requests.
    pub(crate) in_flight: f64,
    /// How many waited for a place.
    pub(crate) queued: f64,
    /// The number of attempts in flight in the bulkhead.
    pub(crate) attempts: f64,
}

impl Watch {
    /// Looks at `handles` from `epoch` on, until the runtime ends.
    pub(crate) fn start(handles: Handles, epoch: Instant) -> Self {
        let watch = Self::default();
        let notes = watch.clone();
        tokio::spawn(async move {
            loop {
                let state = handles.breaker.snapshot().state.as_str();
                notes
                    .lock()
                    .note(epoch.elapsed(), state, Crowd::of(&handles));
                sleep(INTERVAL).await;
            }
        });
        watch
    }

    /// All that was seen so far.
    pub(crate) fn notes(&self) -> Notes {
        self.lock().clone()
    }

    /// The state the circuit is in.
    pub(crate) fn state(&self) -> Option<&'static str> {
        self.lock().circuit.last().map(|stay| stay.state)
    }

    /// How full it was of late.
    pub(crate) fn crowd_since(&self, since: Duration) -> Option<Crowd> {
        let notes = self.lock();
        let recent = notes.looks.iter().rev();
        Crowd::mean(
            recent
                .take_while(|(at, _)| *at >= since)
                .map(|(_, crowd)| *crowd),
        )
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    fn note(&mut self, at: Duration, state: &'static str, crowd: Crowd) {
        if self.circuit.last().is_none_or(|last| last.state != state) {
            self.circuit.push(Stay {
                at: at.as_secs_f64(),
                state,
            });
        }
        self.looks.push((at, crowd));
    }
}

impl Crowd {
    fn of(handles: &Handles) -> Self {
        let shedder = handles.shedder.snapshot();
        Self {
            limit: shedder.limit.limit as f64,
            in_flight: shedder.in_flight as f64,
            queued: shedder.queued as f64,
            attempts: handles.bulkhead.snapshot().in_flight as f64,
        }
    }

    /// The mean of some moments, if there were any.
    pub(crate) fn mean(moments: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut count = 0;
        let mut sum = Self::default();
        for moment in moments {
            count += 1;
            sum.limit += moment.limit;
            sum.in_flight += moment.in_flight;
            sum.queued += moment.queued;
            sum.attempts += moment.attempts;
        }
        let share = |sum: f64| sum / f64::from(count);
        (count > 0).then(|| Self {
            limit: share(sum.limit),
            in_flight: share(sum.in_flight),
            queued: share(sum.queued),
            attempts: share(sum.attempts),
        })
    }
}

/// Often enough to see a half-open circuit: its probes are over in some ten milliseconds.
const INTERVAL: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_noted_once_and_every_look_counts() {
        let mut notes = Notes::default();
        let crowd = |queued| Crowd {
            queued,
            ..Crowd::default()
        };
        for (ms, state, queued) in [(0, "closed", 0.0), (5, "closed", 4.0), (10, "open", 2.0)] {
            notes.note(Duration::from_millis(ms), state, crowd(queued));
        }
        let states: Vec<_> = notes.circuit.iter().map(|stay| stay.state).collect();
        assert_eq!(states, ["closed", "open"]);
        let mean = Crowd::mean(notes.looks.iter().map(|(_, crowd)| *crowd));
        assert_eq!(mean, Some(crowd(2.0)));
        assert_eq!(Crowd::mean([]), None);
    }
}
