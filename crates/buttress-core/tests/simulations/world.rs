use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};
use std::time::{Duration, Instant};

use buttress_core::shed::{Admission, Call, Permit, Shed, ShedConfig, Waiter};
use buttress_core::{Criticality, Deadline, Report, StripeIndex};

use crate::dice::Dice;
use crate::service::Service;
use crate::tally::Tally;

/// A service with workers and its own unbounded queue, oldest first, and a shedder in front of it.
///
/// Calls arrive at random times. Callers do not leave when a response is late, since that would hide the cost of late
/// responses.
pub(crate) struct World {
    pub(crate) shed: Shed,
    pub(crate) workers: usize,
    pub(crate) service: Service,
    /// Calls offered per second, by [`Criticality::index`].
    pub(crate) offered: [f64; Criticality::COUNT],
    /// The caller's deadline in seconds, if the caller sends one.
    pub(crate) deadline: Option<f64>,
    pub(crate) bodies: Option<Bodies>,
    start: Instant,
    /// In nanoseconds, like all times here.
    now: u64,
    dice: Dice,
    /// The number of calls that started, and the sum of their service times, so that the results do not depend on the
    /// service times drawn.
    drawn: (f64, f64),
    next: u64,
    /// The calls that wait in the shedder, by the number of their waker.
    waiting: Vec<Option<Waiting>>,
    free: Vec<usize>,
    expires_at: BinaryHeap<Reverse<(u64, usize)>>,
    woken: Arc<Mutex<Vec<usize>>>,
    wakers: Vec<Waker>,
    /// Calls in the service's own queue.
    backlog: VecDeque<Running>,
    running: Vec<Option<Running>>,
    idle: Vec<usize>,
    ends: BinaryHeap<Reverse<(u64, usize)>>,
    /// The bodies that hold a slot and the times at which they end, in that order.
    open: VecDeque<(u64, Permit)>,
}

/// Long bodies, for a share of the responses. They need no worker: each waits for events, or for its reader.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bodies {
    pub(crate) share: f64,
    pub(crate) seconds: f64,
    /// Whether calls hold their slots until their bodies end.
    pub(crate) hold_places: bool,
}

#[derive(Debug)]
struct Running {
    arrived: u64,
    criticality: Criticality,
    permit: Permit,
}

#[derive(Debug)]
struct Waiting {
    place: Waiter,
    arrived: u64,
    criticality: Criticality,
}

impl World {
    pub(crate) fn new(config: ShedConfig, workers: usize, service: Service, seed: u64) -> Self {
        let start = Instant::now();
        Self {
            shed: Shed::new(config, seed, start).expect("within bounds"),
            workers,
            service,
            offered: [0.0; Criticality::COUNT],
            deadline: None,
            bodies: None,
            start,
            now: 0,
            dice: Dice::new(seed),
            drawn: (0.0, 0.0),
            next: 0,
            waiting: Vec::new(),
            free: Vec::new(),
            expires_at: BinaryHeap::new(),
            woken: Arc::default(),
            wakers: Vec::new(),
            backlog: VecDeque::new(),
            running: Vec::new(),
            idle: Vec::new(),
            ends: BinaryHeap::new(),
            open: VecDeque::new(),
        }
    }

    /// The mean number of calls that the service can answer per second.
    pub(crate) fn capacity(&self) -> f64 {
        self.workers as f64 / self.service.mean()
    }

    /// Sets the offered load to this multiple of the capacity.
    pub(crate) fn offer(&mut self, times: f64) -> &mut Self {
        self.offer_each(&[(Criticality::default(), times)])
    }

    /// Sets the offered load of each criticality to this multiple of the capacity.
    pub(crate) fn offer_each(&mut self, times: &[(Criticality, f64)]) -> &mut Self {
        self.offered = [0.0; Criticality::COUNT];
        for (criticality, times) in times {
            self.offered[criticality.index()] = times * self.capacity();
        }
        self.next = self.now + self.until_next();
        self
    }

    fn until_next(&mut self) -> u64 {
        let offered: f64 = self.offered.iter().sum();
        nanos(self.dice.exponential(1.0 / offered))
    }

    /// The criticality of the next call. Uses a random number only if several are offered.
    fn criticality(&mut self) -> Criticality {
        let all: f64 = self.offered.iter().sum();
        let only = |c: &Criticality| self.offered[c.index()] == all;
        if let Some(only) = Criticality::ALL.into_iter().find(only) {
            return only;
        }
        let mut draw = self.dice.uniform() * all;
        let drawn = |c: &Criticality| {
            draw -= self.offered[c.index()];
            draw < 0.0
        };
        Criticality::ALL.into_iter().find(drawn).unwrap_or_default()
    }

    pub(crate) fn run(&mut self, seconds: f64) -> Tally {
        let mut tally = Tally {
            seconds,
            ..Tally::default()
        };
        let end = self.now + nanos(seconds);
        self.drawn = (0.0, 0.0);
        loop {
            let done = self.ends.peek().map_or(u64::MAX, |end| end.0.0);
            let expires_at = self.expires_at.peek().map_or(u64::MAX, |at| at.0.0);
            let closes = self.open.front().map_or(u64::MAX, |body| body.0);
            let at = self.next.min(done).min(expires_at).min(closes);
            let lasted = at.min(end).saturating_sub(self.now);
            tally.saw_limit(self.shed.limit(), lasted as f64 * 1e-9);
            tally.busy += lasted as f64 * 1e-9 * self.ends.len() as f64;
            self.now = self.now.max(at.min(end));
            if at > end {
                let (calls, took) = self.drawn;
                tally.capacity = self.workers as f64 * seconds * calls / took;
                return tally;
            }
            if at == self.next {
                self.arrive(&mut tally);
                self.next += self.until_next().max(1);
            } else if at == done {
                self.finish(&mut tally);
            } else if at == closes {
                if let Some((_, permit)) = self.open.pop_front() {
                    self.leave(permit);
                }
            } else {
                self.give_up(&mut tally);
            }
            self.wake(&mut tally);
        }
    }

    fn arrive(&mut self, tally: &mut Tally) {
        let criticality = self.criticality();
        tally.offered += 1;
        tally.classes[criticality.index()].offered += 1;
        let (now, arrived) = (self.instant(self.now), self.now);
        // As a shell does.
        let stripe = self.shed.stripe(StripeIndex::current());
        if !self.shed.samples(&stripe)
            && let Some(permit) = self.shed.try_admit(&stripe)
        {
            return self.serve(Running {
                arrived,
                criticality,
                permit,
            });
        }
        let call = Call {
            criticality,
            deadline: self
                .deadline
                .and_then(|patience| Deadline::after(now, Duration::from_secs_f64(patience))),
            ..Call::default()
        };
        match self.shed.admit(call, || 0, || now) {
            Admission::Admitted { permit, .. } => self.serve(Running {
                arrived,
                criticality,
                permit,
            }),
            Admission::Rejected(_) => tally.refused += 1,
            Admission::Waiting(place) => self.wait(Waiting {
                place,
                arrived,
                criticality,
            }),
        }
    }

    fn wait(&mut self, waiting: Waiting) {
        let slot = self.free.pop().unwrap_or(self.waiting.len());
        if slot == self.waiting.len() {
            self.waiting.push(None);
            let woken = Arc::clone(&self.woken);
            self.wakers
                .push(Waker::from(Arc::new(Bell { slot, woken })));
        }
        if let Some(at) = waiting.place.expires_at() {
            let at = at.saturating_duration_since(self.start).as_nanos() as u64;
            self.expires_at.push(Reverse((at, slot)));
        }
        self.waiting[slot] = Some(waiting);
        self.ring(slot);
    }

    fn serve(&mut self, call: Running) {
        if self.ends.len() < self.workers {
            self.begin(call);
        } else {
            self.backlog.push_back(call);
        }
    }

    fn begin(&mut self, call: Running) {
        let slot = self.idle.pop().unwrap_or(self.running.len());
        if slot == self.running.len() {
            self.running.push(None);
        }
        self.running[slot] = Some(call);
        let took = self.service.draw(&mut self.dice);
        self.drawn.0 += 1.0;
        self.drawn.1 += took;
        self.ends.push(Reverse((self.now + nanos(took), slot)));
    }

    fn finish(&mut self, tally: &mut Tally) {
        let Some(Reverse((_, slot))) = self.ends.pop() else {
            return;
        };
        let Some(mut call) = self.running[slot].take() else {
            return;
        };
        self.idle.push(slot);
        let latency = (self.now - call.arrived) as f64 * 1e-9;
        tally.latencies.push(latency as f32);
        if self.deadline.is_none_or(|patience| latency <= patience) {
            tally.classes[call.criticality.index()].in_time += 1;
        }
        while self.ends.len() < self.workers
            && let Some(call) = self.backlog.pop_front()
        {
            self.begin(call);
        }
        match self.bodies {
            Some(long) if self.dice.uniform() < long.share && long.hold_places => {
                let now = self.instant(self.now);
                call.permit.answered(|| now);
                let ends = self.now + nanos(long.seconds);
                self.open.push_back((ends, call.permit));
            }
            _ => self.leave(call.permit),
        }
    }

    fn leave(&self, mut permit: Permit) {
        let now = self.instant(self.now);
        self.shed.settle(&mut permit, Report::SUCCESS, || now);
        self.shed.release(permit, || now);
    }

    /// A waiter has reached its maximum wait, or has already left.
    fn give_up(&mut self, tally: &mut Tally) {
        let now = self.instant(self.now);
        let Some(Reverse((_, slot))) = self.expires_at.pop() else {
            return;
        };
        let Some(Waiting { place, .. }) = &self.waiting[slot] else {
            return;
        };
        if place.expires_at().is_some_and(|at| at <= now)
            && self.shed.expire(place, || 0, now).is_some()
        {
            tally.refused += 1;
            self.waiting[slot] = None;
            self.free.push(slot);
        }
    }

    fn ring(&self, slot: usize) {
        self.woken.lock().expect("not poisoned").push(slot);
    }

    /// Polls every woken waiter.
    fn wake(&mut self, tally: &mut Tally) {
        loop {
            let woken = std::mem::take(&mut *self.woken.lock().expect("not poisoned"));
            if woken.is_empty() {
                return;
            }
            for slot in woken {
                self.look(slot, tally);
            }
        }
    }

    fn look(&mut self, slot: usize, tally: &mut Tally) {
        let now = self.instant(self.now);
        let Some(waiting) = &self.waiting[slot] else {
            return;
        };
        let (place, arrived, criticality) = (&waiting.place, waiting.arrived, waiting.criticality);
        let Poll::Ready(verdict) = self.shed.poll(place, &self.wakers[slot], || 0, || now) else {
            return;
        };
        self.waiting[slot] = None;
        self.free.push(slot);
        match verdict {
            Ok(permit) => self.serve(Running {
                arrived,
                criticality,
                permit,
            }),
            Err(_) => tally.refused += 1,
        }
    }

    fn instant(&self, nanos: u64) -> Instant {
        self.start + Duration::from_nanos(nanos)
    }
}

/// Records which waiter to poll again.
struct Bell {
    slot: usize,
    woken: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.lock().expect("not poisoned").push(self.slot);
    }
}

fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}
