use super::regression::WindowStats;

/// The first, bold part of a search: halves the limit while that shortens the queue, or else doubles it while more
/// calls are answered for it, until the knee lies between two levels.
///
/// This is the slow start of TCP (Jacobson, 1988) in both directions. Levels so far apart differ by more than chance,
/// so that one window of each is enough.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// The lowest level seen, with the shortest queue in its round trip.
    lowest: Option<WindowStats>,
    last: Option<WindowStats>,
    turn: Turn,
}

/// Where the search goes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Half of where it began, to see whether there is a queue.
    #[default]
    First,
    Down,
    Up,
}

/// What a window leads to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Searched {
    /// The factor by which the limit is multiplied.
    Times(f64),
    /// The number of calls that keep the service busy.
    Knee(f64),
}

impl Search {
    /// One that begins with twice as much, because two levels say that there is no queue.
    pub(super) fn upward(high: WindowStats, low: WindowStats) -> Self {
        Self {
            lowest: Some(low),
            last: Some(high),
            turn: Turn::Up,
        }
    }

    /// Whether a window in which the load did not reach the level above the last one shows that no calls queue there.
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
        // One way or the other only if round trip and throughput agree.
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

/// A level is above the knee if at least half of what was added waits.
const HALF: f64 = 0.5;
/// Closer than that, one window has no information about the added calls.
const ABOVE: f64 = 1.2;
