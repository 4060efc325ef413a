use super::regression::WindowStats;

/// The mean of recent windows in which the load alone determined the number in flight.
///
/// A limit that fell during an overload has no recent samples above it, and near the knee more calls make little
/// difference. If the round trip time returns to the unloaded baseline, the service may have recovered, and the last
/// limit that the baseline sustained is tried again. A baseline in which calls queued is not used: an overload, too,
/// has windows in which every call finds a free slot.
#[derive(Debug, Default)]
pub(super) struct UnloadedBaseline {
    seen: Option<WindowStats>,
    /// The number of unsuccessful trials since the last unloaded window, and the windows left until the next trial is
    /// allowed.
    tries: u32,
    rest: u32,
}

impl UnloadedBaseline {
    /// Records a window in which every call found a slot.
    pub(super) fn see(&mut self, point: WindowStats) {
        let seen = self.seen.get_or_insert(point);
        seen.go_toward(point, 1.0 / MEMORY);
        (self.tries, self.rest) = (0, 0);
    }

    /// The limit to try next, if a window at `limit` matches the baseline.
    pub(super) fn candidate(&mut self, limit: f64, point: WindowStats) -> Option<f64> {
        self.rest = self.rest.saturating_sub(1);
        let seen = self.seen?;
        let worth = seen.calls() * ROOM;
        if self.rest > 0 || point.rtt - seen.rtt > ALIKE || worth < limit * ROOM {
            return None;
        }
        if seen
            .queueing_above(point)
            .is_some_and(|(rtt, _)| rtt > HALF)
        {
            return None;
        }
        self.tries += 1;
        self.rest = 1 << self.tries.min(MOST);
        Some(worth)
    }
}

/// The number of windows in the mean.
const MEMORY: f64 = 8.0;
/// Calls in flight vary by about a fifth where only the load determines their number.
pub(super) const ROOM: f64 = 1.25;
/// As a log-ratio. The mean of a hundred exponentially distributed times varies by a tenth.
const ALIKE: f64 = 0.15;
/// If at least half of the added calls queue between two levels, one of them is above the knee.
const HALF: f64 = 0.5;
/// As a power of two: at most 64 windows lie between two trials.
const MOST: u32 = 6;

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    use super::super::window::Window;
    use super::*;

    fn point(calls: f64, rtt: f64) -> WindowStats {
        WindowStats::of(&Window {
            rtt,
            answered: None,
            in_flight: calls,
            throughput: calls / rtt,
            at_limit: 0.0,
            dropped: 0.0,
            refused: 0.0,
        })
    }

    #[test]
    fn it_beckons_where_calls_take_as_long_as_in_the_calm_and_only_if_it_bore_more() {
        let mut calm = UnloadedBaseline::default();
        assert_eq!(calm.candidate(3.0, point(3.0, 0.02)), None);
        calm.see(point(8.0, 0.02));
        assert_eq!(calm.candidate(3.0, point(3.0, 0.03)), None);
        assert_eq!(calm.candidate(9.0, point(9.0, 0.02)), None);
        let worth = calm.candidate(3.0, point(3.0, 0.02));
        assert!(worth.is_some_and(|worth| (worth - 10.0).abs() < 1e-9));
    }

    #[test]
    fn what_was_borne_with_a_queue_is_not_worth_a_try() {
        let mut calm = UnloadedBaseline::default();
        calm.see(point(40.0, 0.09));
        assert_eq!(calm.candidate(20.0, point(20.0, 0.05)), None);
        assert!(calm.candidate(20.0, point(20.0, 0.08)).is_some());
    }

    #[test]
    fn in_vain_it_is_tried_ever_more_seldom_and_never_given_up() {
        let mut calm = UnloadedBaseline::default();
        calm.see(point(8.0, 0.02));
        let tried = |calm: &mut UnloadedBaseline, windows: usize| {
            let tries = (0..windows).filter_map(|_| calm.candidate(3.0, point(3.0, 0.02)));
            tries.count()
        };
        assert_eq!(tried(&mut calm, 62), 5);
        assert_eq!(tried(&mut calm, 6_400), 100);
        calm.see(point(8.0, 0.02));
        assert_eq!(tried(&mut calm, 62), 5);
    }
}
