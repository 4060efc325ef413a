//! Whether a lower limit reduces overload responses and timeouts.
//!
//! An overloaded service rejects fewer calls, or times out less often, once it is sent less. A service that responds
//! with 429 for other reasons, or times out on one dead shard, does so at any limit; there a lower limit would only
//! reject other callers.

/// The result of a window with many dropped calls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Response {
    /// Lower the limit.
    BackOff,
    /// Keep the limit: it does not cause these failures.
    Bear,
    /// Restore the limit from before it was lowered for these failures.
    Return(f64),
}

/// Compares the share of dropped calls before a back-off and after.
#[derive(Debug, Default)]
pub(super) struct Relief {
    /// The recent share of dropped calls.
    lately: f64,
    trial: Option<Trial>,
    /// The number of unsuccessful trials of a lower limit, and the windows left until the next.
    tries: u32,
    rest: u32,
}

/// A trial of a lower limit.
#[derive(Debug, Clone, Copy)]
struct Trial {
    /// The limit and the share of dropped calls before the trial.
    from: f64,
    dropped: f64,
    windows: u32,
    /// The number of consecutive windows with few dropped calls.
    relieved: u32,
}

impl Relief {
    /// Records the share of dropped calls of a window in which the limit was reached. `many` is whether that share is
    /// too high.
    pub(super) fn on_window(&mut self, limit: f64, dropped: f64, many: bool) -> Option<Response> {
        self.lately += (dropped - self.lately) * LATELY;
        self.rest = self.rest.saturating_sub(1);
        if dropped >= NEARLY_ALL {
            // At this share the service no longer responds, whatever the limit.
            (self.trial, self.rest) = (None, 0);
            return Some(Response::BackOff);
        }
        let Some(trial) = &mut self.trial else {
            return many.then(|| self.begin(limit, dropped));
        };
        trial.windows += 1;
        trial.relieved = if many { 0 } else { trial.relieved + 1 };
        if trial.relieved >= RELIEVED {
            (self.trial, self.tries) = (None, 0);
            return None;
        }
        if trial.windows >= LONG_ENOUGH && self.lately > trial.dropped * FEWER {
            let from = trial.from;
            self.trial = None;
            self.tries += 1;
            self.rest = 1 << (self.tries + 1).min(MOST);
            return Some(Response::Return(from));
        }
        many.then_some(Response::BackOff)
    }

    fn begin(&mut self, limit: f64, dropped: f64) -> Response {
        if self.rest > 0 {
            return Response::Bear;
        }
        // A window that starts a trial has an unusually high share, so the recent share is averaged in unless the
        // failures are new.
        if dropped > 2.0 * self.lately {
            self.lately = dropped;
        } else {
            self.lately = f64::midpoint(dropped, self.lately);
        }
        self.trial = Some(Trial {
            from: limit,
            dropped: self.lately,
            windows: 0,
            relieved: 0,
        });
        Response::BackOff
    }
}

/// The weight of one window in the recent share.
const LATELY: f64 = 0.25;
/// Above this share the comparison has no information: a service that rejects calls beyond its capacity still rejects
/// nearly as many at half the limit.
const NEARLY_ALL: f64 = 0.65;
/// After this many windows, most of the recent share is from lower limits.
const LONG_ENOUGH: u32 = 6;
const FEWER: f64 = 0.8;
/// After this many windows with few dropped calls, a trial has succeeded.
const RELIEVED: u32 = 8;
/// As a power of two: at most 64 windows lie between two trials.
const MOST: u32 = 6;

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    use super::*;

    /// Follows the responses for some windows. `dropped` is the share at a limit. Returns the limit after each.
    fn follow(windows: usize, dropped: impl Fn(f64) -> f64) -> Vec<f64> {
        let (mut relief, mut limit) = (Relief::default(), 100.0);
        let mut step = |_| {
            let share = dropped(limit);
            match relief.on_window(limit, share, share >= 0.1) {
                Some(Response::BackOff) => limit *= 0.9,
                Some(Response::Return(from)) => limit = from,
                Some(Response::Bear) | None => {}
            }
            limit
        };
        (0..windows).map(&mut step).collect()
    }

    #[test]
    fn rejections_beyond_a_capacity_bring_the_limit_down_to_it() {
        for capacity in [40.0, 60.0, 80.0] {
            let limits = follow(200, |limit| (1.0 - capacity / limit).max(0.0));
            let last = limits[199];
            assert!(
                (capacity * 0.8..=capacity * 1.12).contains(&last),
                "{last} for {capacity}"
            );
        }
    }

    #[test]
    fn rejections_that_a_lower_limit_does_not_change_are_borne() {
        let limits = follow(1_000, |_| 0.2);
        assert!(limits.iter().all(|&limit| limit > 50.0), "{limits:?}");
        let mean = limits.iter().sum::<f64>() / 1_000.0;
        assert!(mean > 95.0, "{mean}");
    }

    #[test]
    fn a_service_that_answers_nothing_any_more_is_left_with_the_least() {
        assert!(follow(200, |_| 1.0)[199] < 1.0);
    }
}
