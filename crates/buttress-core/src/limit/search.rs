use super::regression::WindowStats;

/// Finds the knee in large steps: halves the limit while that shortens the queue, or doubles it while that raises the
/// throughput, until the knee lies between two levels.
///
/// This is the slow start of TCP (Jacobson, 1988) in both directions. Levels this far apart differ by more than chance,
/// so one window of each is enough.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// The lowest level measured, which has the shortest queue.
    lowest: Option<WindowStats>,
    last: Option<WindowStats>,
    turn: Turn,
}

/// The direction of the search.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Half of the first level, to detect whether there is a queue.
    #[default]
    First,
    Down,
    Up,
}

/// The result of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Searched {
    /// The factor by which the limit is multiplied.
    Times(f64),
    /// The number of calls that keep the service busy.
    Knee(f64),
}

impl Search {
    /// A search upwards from two levels that showed no queue.
    pub(super) fn upward(high: WindowStats, low: WindowStats) -> Self {
        Self {
            lowest: Some(low),
            last: Some(high),
            turn: Turn::Up,
        }
    }

    /// Whether no calls queue at this level, from a window in which the load did not reach its limit.
    pub(super) fn is_free(&self, point: WindowStats) -> bool {
        self.last
            .filter(|last| point.calls() > ABOVE * last.calls())
            .and_then(|last| point.queueing_above(last))
            .is_some_and(|(rtt, lag)| rtt.max(lag) < HALF)
    }

    pub(super) fn on_window(&mut self, point: WindowStats, may_rise: bool) -> Searched {
        let Some(last) = self.last.replace(point) else {
            self.lowest = Some(point);
            return Searched::Times(0.5);
        };
        let (high, low) = match self.turn {
            Turn::First | Turn::Down => (last, point),
            Turn::Up => (point, last),
        };
        // The limit moves only if round trip time and throughput agree.
        let (rtt, lag) = high.queueing_above(low).unwrap_or((0.0, 1.0));
        let follows = rtt.max(lag) < HALF && may_rise;
        match self.turn {
            Turn::First | Turn::Down if rtt.min(lag) > HALF => {
                self.turn = Turn::Down;
                self.lowest = Some(point);
                Searched::Times(0.5)
            }
            Turn::First if follows => {
                self.turn = Turn::Up;
                (self.lowest, self.last) = (Some(point), Some(last));
                Searched::Times(4.0)
            }
            Turn::Up if follows => Searched::Times(2.0),
            Turn::First | Turn::Down => Searched::Knee(high.knee_above(point)),
            Turn::Up => Searched::Knee(high.knee_above(self.lowest.unwrap_or(low))),
        }
    }
}

/// A level is above the knee if at least half of the added calls queue.
const HALF: f64 = 0.5;
/// The minimum ratio between two levels. Closer than that, one window has no information about the added calls.
const ABOVE: f64 = 1.2;
