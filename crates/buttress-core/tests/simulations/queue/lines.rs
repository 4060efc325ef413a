use std::time::{Duration, Instant};

use buttress_core::queue::{ControlledDelay, Dequeued, Order, QueueConfig, WaitParams, WaitQueue};
use buttress_core::{Deadline, LatencyQuantiles, Ratio};

use super::world::PATIENCE;

/// A queue under test. Requests are identified by their arrival time.
pub(crate) trait Line {
    fn push(&mut self, now: f64);
    fn next(&mut self, now: f64) -> Option<f64>;
    /// A call has ended, with its duration.
    fn served(&mut self, _took: f64, _now: f64) {}
}

/// The queue of Buttress.
pub(crate) struct Ours {
    queue: WaitQueue<f64>,
    epoch: Instant,
    /// Whether the queue knows the callers' deadlines.
    deadlines: bool,
    /// The latencies of calls, if they determine the margin.
    service: Option<LatencyQuantiles>,
    ended: u32,
}

/// Oldest first, without a time limit.
pub(crate) fn plain() -> Ours {
    Ours::new(QueueConfig::default().order(Order::Fifo), false, false)
}

/// Oldest first; requests that waited too long are dropped.
pub(crate) fn controlled_delay() -> Ours {
    let config = QueueConfig::default().order(Order::Fifo);
    let config = config.controlled_delay(ControlledDelay::default());
    Ours::new(config, false, false)
}

/// In this order, without requests that are too late. With `margin`, a request is too late once 99 of 100 calls would
/// end after its deadline.
pub(crate) fn deadlines(order: Order, margin: bool) -> Ours {
    Ours::new(QueueConfig::default().order(order), true, margin)
}

impl Ours {
    #[allow(clippy::disallowed_methods)]
    fn new(config: QueueConfig, deadlines: bool, margin: bool) -> Self {
        let epoch = Instant::now();
        let config = config.capacity(QueueConfig::MAX_CAPACITY);
        let window = Duration::from_secs(10);
        Self {
            queue: WaitQueue::new(config, epoch).expect("valid"),
            epoch,
            deadlines,
            service: margin.then(|| LatencyQuantiles::new(window, epoch).expect("valid")),
            ended: 0,
        }
    }

    fn at(&self, now: f64) -> Instant {
        self.epoch + Duration::from_secs_f64(now)
    }
}

impl Line for Ours {
    fn push(&mut self, now: f64) {
        let at = self.at(now);
        let deadline = Deadline::at(at + Duration::from_secs_f64(PATIENCE));
        let terms = WaitParams {
            deadline: self.deadlines.then_some(deadline),
            ..WaitParams::default()
        };
        // Rejects a request only if a million wait already.
        let _ = self.queue.push(now, terms, at);
    }

    fn next(&mut self, now: f64) -> Option<f64> {
        loop {
            match self.queue.pop(self.at(now))? {
                Dequeued::Served(arrived) => return Some(arrived),
                Dequeued::Dropped(..) => {}
            }
        }
    }

    fn served(&mut self, took: f64, now: f64) {
        let at = self.at(now);
        let Some(service) = &self.service else { return };
        service.record(Duration::from_secs_f64(took), at);
        self.ended += 1;
        if self.ended.is_multiple_of(1_000) {
            let margin = service.quantile(Ratio::percent(99), at);
            let config = self.queue.config().clone();
            let config = config.margin(margin.unwrap_or_default());
            self.queue.reconfigure(config).expect("valid");
        }
    }
}
