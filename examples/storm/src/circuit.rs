use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use buttress::prelude::Breaker;
use tokio::time::{Instant, sleep};

use crate::figures::Stay;

/// Watches a circuit and notes every state it sees.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch(Arc<Mutex<Vec<Stay>>>);

impl Watch {
    /// Looks at `breaker` from `epoch` on, until the runtime ends.
    pub(crate) fn start(breaker: Breaker, epoch: Instant) -> Self {
        let watch = Self::default();
        let notes = watch.clone();
        tokio::spawn(async move {
            loop {
                notes.note(epoch.elapsed(), breaker.snapshot().state.as_str());
                sleep(INTERVAL).await;
            }
        });
        watch
    }

    /// Every state seen so far, and when it was entered.
    pub(crate) fn stays(&self) -> Vec<Stay> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The state the circuit is in.
    pub(crate) fn state(&self) -> Option<&'static str> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .last()
            .map(|stay| stay.state)
    }

    fn note(&self, at: Duration, state: &'static str) {
        let mut stays = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if stays.last().is_none_or(|last| last.state != state) {
            stays.push(Stay {
                at: at.as_secs_f64(),
                state,
            });
        }
    }
}

/// Often enough to see a half-open circuit, whose probes are over in some ten milliseconds.
const INTERVAL: Duration = Duration::from_millis(5);
