use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use buttress_core::limit::{Limit, LimitConfig, Sample};

use buttress_core::Deadline;
use buttress_core::queue::{Dequeued, Order, QueueConfig, WaitParams, WaitQueue};

/// A service with workers, an unbounded queue of its own, and a limit in front.
pub(crate) struct World {
    pub(crate) limit: Limit,
    pub(crate) workers: usize,
    /// The mean service time, in seconds.
    pub(crate) service: f64,
    /// Calls offered per second.
    pub(crate) offered: f64,
    start: Instant,
    now: f64,
    dice: Dice,
    waiting: WaitQueue<f64>,
    in_flight: u64,
    /// Calls in the service's own queue.
    backlog: VecDeque<Call>,
    busy: usize,
    ends: BinaryHeap<Reverse<(u64, usize)>>,
    calls: Vec<Call>,
    free: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Call {
    arrived: f64,
    admitted: f64,
    in_flight: u64,
    at_limit: bool,
}

/// Results of one run.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) seconds: f64,
    pub(crate) offered: usize,
    pub(crate) latencies: Vec<f64>,
    pub(crate) least: u64,
    pub(crate) most: u64,
    pub(crate) limits: f64,
    events: f64,
}

impl World {
    pub(crate) fn new(config: LimitConfig, workers: usize, service: f64, seed: u64) -> Self {
        let start = Instant::now();
        let queue = QueueConfig::default()
            .capacity(64)
            .margin(MARGIN)
            .order(Order::AdaptiveLifo {
                congested_after: Duration::from_millis(25),
            });
        Self {
            limit: Limit::new(config, start).expect("within bounds"),
            workers,
            service,
            offered: 0.0,
            start,
            now: 0.0,
            dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            waiting: WaitQueue::new(queue, start).expect("within bounds"),
            in_flight: 0,
            backlog: VecDeque::new(),
            busy: 0,
            ends: BinaryHeap::new(),
            calls: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(crate) fn capacity(&self) -> f64 {
        self.workers as f64 / self.service
    }

    /// Sets the offered load to this multiple of the capacity.
    pub(crate) fn offer(&mut self, times: f64) -> &mut Self {
        self.offered = times * self.capacity();
        self
    }

    pub(crate) fn run(&mut self, seconds: f64) -> Tally {
        let mut tally = Tally {
            seconds,
            ..Tally::default()
        };
        let end = self.now + seconds;
        let mut next = self.now + self.dice.exponential(1.0 / self.offered);
        loop {
            let done = self
                .ends
                .peek()
                .map_or(f64::MAX, |end| end.0.0 as f64 / 1e9);
            let at = next.min(done);
            if at > end {
                break;
            }
            self.now = at;
            if next <= done {
                self.arrive(&mut tally);
                next = self.now + self.dice.exponential(1.0 / self.offered);
            } else {
                self.finish(&mut tally);
            }
            let limit = self.limit.limit();
            tally.least = tally.least.min(limit);
            tally.most = tally.most.max(limit);
            tally.limits += limit as f64;
            tally.events += 1.0;
        }
        self.now = end;
        tally
    }

    fn arrive(&mut self, tally: &mut Tally) {
        tally.offered += 1;
        if self.in_flight < self.limit.limit() {
            self.admit(self.now, false);
        } else {
            let terms = WaitParams {
                deadline: Deadline::after(self.instant(), OBJECTIVE),
                ..WaitParams::default()
            };
            let _ = self.waiting.push(self.now, terms, self.instant());
        }
    }

    fn admit(&mut self, arrived: f64, waited: bool) {
        self.in_flight += 1;
        let call = Call {
            arrived,
            admitted: self.now,
            in_flight: self.in_flight,
            at_limit: waited || self.in_flight >= self.limit.limit(),
        };
        if self.busy < self.workers {
            self.begin(call);
        } else {
            self.backlog.push_back(call);
        }
    }

    fn begin(&mut self, call: Call) {
        self.busy += 1;
        let slot = self.free.pop().unwrap_or(self.calls.len());
        if slot == self.calls.len() {
            self.calls.push(call);
        } else {
            self.calls[slot] = call;
        }
        let end = self.now + self.dice.exponential(self.service);
        self.ends.push(Reverse(((end * 1e9) as u64, slot)));
    }

    fn finish(&mut self, tally: &mut Tally) {
        let Some(Reverse((_, slot))) = self.ends.pop() else {
            return;
        };
        let call = self.calls[slot];
        self.free.push(slot);
        self.busy -= 1;
        self.in_flight -= 1;
        tally.latencies.push(self.now - call.arrived);
        let rtt = Duration::from_secs_f64(self.now - call.admitted);
        let sample = Sample::success(rtt, call.in_flight).at_limit(call.at_limit);
        self.limit.on_sample(|| self.instant(), sample);
        while self.busy < self.workers
            && let Some(call) = self.backlog.pop_front()
        {
            self.begin(call);
        }
        while self.in_flight < self.limit.limit()
            && let Some(exit) = self.waiting.pop(self.instant())
        {
            if let Dequeued::Served(arrived) = exit {
                self.admit(arrived, true);
            }
        }
    }

    fn instant(&self) -> Instant {
        self.start + Duration::from_secs_f64(self.now)
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            seconds: 0.0,
            offered: 0,
            latencies: Vec::new(),
            least: u64::MAX,
            most: 0,
            limits: 0.0,
            events: 0.0,
        }
    }
}

impl Tally {
    pub(crate) fn mean_limit(&self) -> f64 {
        self.limits / self.events
    }

    /// Responses per second within the objective, which is in seconds.
    pub(crate) fn goodput(&self, objective: f64) -> f64 {
        self.latencies.iter().filter(|&&t| t <= objective).count() as f64 / self.seconds
    }

    /// The share of calls that were not answered.
    pub(crate) fn unanswered(&self) -> f64 {
        1.0 - self.latencies.len() as f64 / self.offered as f64
    }
}

/// xorshift64* (Vigna, 2016).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let draw = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        -mean * ((draw as f64 + 0.5) / (1_u64 << 53) as f64).ln()
    }
}

/// The time within which a caller needs the response.
const OBJECTIVE: Duration = Duration::from_millis(250);
/// The time within which nine calls of ten end.
const MARGIN: Duration = Duration::from_millis(120);
