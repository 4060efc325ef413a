use std::time::{Duration, Instant};

use super::Circuit;
use super::state::CircuitState;
use crate::sync::Ordering;
use crate::window::Counts;
use crate::{Mode, Ratio};

/// A snapshot of a circuit.
#[derive(Debug, Clone, PartialEq)]
pub struct CircuitSnapshot {
    /// The state. An open circuit whose time is over is shown half-open, as the next call will find it.
    pub state: CircuitState,
    /// Whether its rejections are enforced.
    pub mode: Mode,
    /// The calls in the window.
    pub counts: Counts,
    /// How many failures came in a row.
    pub consecutive_failures: u32,
    /// The number of probes in flight.
    pub probes_under_way: usize,
    /// The share of calls that it admits.
    pub admitted: Ratio,
    /// How long until it lets the next probe through, if it is open.
    pub next_probe_in: Option<Duration>,
    /// How often it opened without staying closed for as long as it had been open.
    pub reopenings: u32,
    /// How many operators hold it open.
    pub isolations: u32,
    /// How many steps it has taken: what changes when anything about its state does.
    pub epoch: u64,
}

impl Circuit {
    /// The circuit as of `now`. Reading it changes no state.
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
