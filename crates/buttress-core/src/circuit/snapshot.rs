use std::time::{Duration, Instant};

use super::Circuit;
use super::state::CircuitState;
use crate::sync::Ordering;
use crate::window::Counts;
use crate::{Mode, Ratio};

/// A snapshot of a circuit.
#[derive(Debug, Clone, PartialEq)]
pub struct CircuitSnapshot {
    /// The state. An open circuit whose open time is over is shown as half-open, because the next call finds it so.
    pub state: CircuitState,
    /// Whether its rejections are enforced.
    pub mode: Mode,
    /// The calls in the window.
    pub counts: Counts,
    /// The number of consecutive failures.
    pub consecutive_failures: u32,
    /// The number of probes in flight.
    pub probes_under_way: usize,
    /// The share of calls that are admitted.
    pub admitted: Ratio,
    /// The time until the next probe is admitted, if the circuit is open.
    pub next_probe_in: Option<Duration>,
    /// The number of openings after which the circuit was closed for less time than it had been open.
    pub reopenings: u32,
    /// The number of operators that hold the circuit open.
    pub isolations: u32,
    /// The number of the current epoch. Each transition begins a new epoch, except the one that ends a ramp.
    pub epoch: u64,
}

impl Circuit {
    /// Returns a snapshot of the circuit at `now`. Reading it changes no state.
    pub fn snapshot(&self, now: Instant) -> CircuitSnapshot {
        let at = self.origin.nanos_at(now);
        let mut locked = self.lock();
        let word = self.word();
        let left = self
            .hot
            .open_until
            .load(Ordering::Acquire)
            .saturating_sub(at);
        let state = match word.state() {
            CircuitState::Open if left == 0 => CircuitState::HalfOpen,
            CircuitState::Recovering if locked.ramp_is_done(at) => CircuitState::Closed,
            state => state,
        };
        CircuitSnapshot {
            state,
            mode: locked.config.mode,
            counts: locked.history.counts(&self.successes, at),
            consecutive_failures: self.row.length(word.epoch()),
            probes_under_way: match word.underlying() {
                CircuitState::HalfOpen => locked.trial.under_way(at),
                _ => 0,
            },
            admitted: match state {
                CircuitState::Closed => Ratio::ONE,
                CircuitState::Recovering => locked.share_on_ramp(at),
                _ => Ratio::ZERO,
            },
            next_probe_in: (state == CircuitState::Open).then(|| Duration::from_nanos(left)),
            reopenings: locked.reopenings,
            isolations: locked.isolations,
            epoch: word.epoch(),
        }
    }
}
