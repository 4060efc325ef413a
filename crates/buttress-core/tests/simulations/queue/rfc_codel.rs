use std::collections::VecDeque;

use super::lines::Line;

const TARGET: f64 = 0.005;
const INTERVAL: f64 = 0.100;

/// CoDel as in section 5 of RFC 8289, which expects senders to slow down after a drop.
#[derive(Default)]
pub(crate) struct RfcCodel {
    waiting: VecDeque<f64>,
    /// The time at which the delay will have exceeded the target for an interval.
    first_above: Option<f64>,
    dropping: bool,
    drop_next: f64,
    count: u32,
    last_count: u32,
}

impl RfcCodel {
    /// The next request, and whether it may be dropped.
    fn dequeue(&mut self, now: f64) -> Option<(f64, bool)> {
        let Some(arrived) = self.waiting.pop_front() else {
            self.first_above = None;
            return None;
        };
        let mut may_drop = false;
        if now - arrived < TARGET || self.waiting.is_empty() {
            self.first_above = None;
        } else {
            let due = *self.first_above.get_or_insert(now + INTERVAL);
            may_drop = now >= due;
        }
        Some((arrived, may_drop))
    }

    fn control_law(&self, from: f64) -> f64 {
        from + INTERVAL / f64::from(self.count).sqrt()
    }
}

impl Line for RfcCodel {
    fn push(&mut self, now: f64) {
        self.waiting.push_back(now);
    }

    fn next(&mut self, now: f64) -> Option<f64> {
        let (mut arrived, mut may_drop) = self.dequeue(now)?;
        if self.dropping {
            self.dropping = may_drop;
            while self.dropping && now >= self.drop_next {
                self.count += 1;
                (arrived, may_drop) = self.dequeue(now)?;
                self.dropping = may_drop;
                self.drop_next = self.control_law(self.drop_next);
            }
        } else if may_drop {
            (arrived, _) = self.dequeue(now)?;
            self.dropping = true;
            let delta = self.count.saturating_sub(self.last_count);
            let recent = now - self.drop_next < 16.0 * INTERVAL;
            self.count = if delta > 1 && recent { delta } else { 1 };
            self.last_count = self.count;
            self.drop_next = self.control_law(now);
        }
        Some(arrived)
    }
}
