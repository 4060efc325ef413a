use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use http::Response;

use super::shared::{Readiness, Shared};
use crate::{Script, TestBody, TestError};

/// Which call a request belongs to: put into the request's extensions, the probe finds it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId(pub u64);

/// How a test tells a [`ReadyProbe`](crate::ReadyProbe) what to do, and asks what it saw.
#[derive(Debug, Clone)]
pub struct ProbeHandle(Arc<Shared>);

impl ProbeHandle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Is ready from now on, and wakes all that wait for it.
    pub fn ready(&self) {
        self.become_and_wake(Readiness::Ready);
    }

    /// Is not ready from now on, but for instances that are already.
    pub fn not_ready(&self) {
        self.0.log().readiness = Readiness::Pending;
    }

    /// Fails readiness from now on, and wakes all that wait for it.
    pub fn broken(&self) {
        self.become_and_wake(Readiness::Err(TestError::new("scripted readiness error")));
    }

    /// Panics when polled for readiness, from now on.
    pub fn panics_in_poll_ready(&self) {
        self.0.log().readiness = Readiness::Panic;
    }

    /// Never becomes ready for these instances, whatever holds for the others.
    pub fn stall(&self, instances: Range<usize>) {
        self.0.log().stalled = instances;
    }

    /// Never becomes ready for a service that is not ready yet, until [changed](Self::stall).
    pub fn stall_from_now_on(&self) {
        self.stall(0..usize::MAX);
    }

    /// Counts calls of instances that are not ready, and answers them instead of panicking.
    pub fn tolerate_unready_calls(&self) {
        self.0.log().lenient = true;
    }

    /// What every call does from now on.
    pub fn script(&self, script: Script<Response<TestBody>>) {
        self.0.log().script = Some(script);
    }

    /// The same, also of calls that an earlier [`script_next`](Self::script_next) spoke for.
    pub fn script_all(&self, script: Script<Response<TestBody>>) {
        let mut log = self.0.log();
        log.next_scripts.clear();
        log.script = Some(script);
    }

    /// What the next call does that no earlier `script_next` speaks for.
    pub fn script_next(&self, script: Script<Response<TestBody>>) {
        self.0.log().next_scripts.push_back(script);
    }

    /// Holds the calls that begin from now on: each is pending until [released](Self::release).
    pub fn hold(&self) {
        self.0.log().held = true;
    }

    /// Holds no further calls; those that are held stay so.
    pub fn let_pass(&self) {
        self.0.log().held = false;
    }

    /// Holds no further calls, and lets go of those that are held.
    pub fn let_go(&self) {
        self.let_pass();
        let gates: Vec<_> = {
            let log = self.0.log();
            log.calls.iter().map(|call| call.gate.clone()).collect()
        };
        gates.iter().for_each(crate::Gate::open);
    }

    /// Lets the held call with this id go on.
    pub fn release(&self, id: CallId) {
        let gates: Vec<_> = {
            let log = self.0.log();
            let calls = log.calls.iter().filter(|call| call.id == Some(id));
            calls.map(|call| call.gate.clone()).collect()
        };
        gates.iter().for_each(crate::Gate::open);
    }

    /// How many calls reached the probe.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.0.log().calls.len()
    }

    /// How many calls with this id reached the probe: one for each attempt.
    #[must_use]
    pub fn attempts(&self, id: CallId) -> usize {
        let log = self.0.log();
        log.calls.iter().filter(|call| call.id == Some(id)).count()
    }

    /// The instances that were called, in order.
    #[must_use]
    pub fn called(&self) -> Vec<usize> {
        self.0
            .log()
            .calls
            .iter()
            .map(|call| call.instance)
            .collect()
    }

    /// How often each call was polled, in the order of the calls: its future, and then its body.
    #[must_use]
    pub fn polls(&self) -> Vec<usize> {
        let log = self.0.log();
        let calls = log.calls.iter();
        calls
            .map(|call| call.polls.load(Ordering::SeqCst))
            .collect()
    }

    /// The instances that became ready, in order.
    #[must_use]
    pub fn readied(&self) -> Vec<usize> {
        self.0.log().readied.clone()
    }

    /// How many instances are ready and neither called nor dropped yet.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.0.log().reserved
    }

    /// How often readiness was polled.
    #[must_use]
    pub fn readiness_polls(&self) -> usize {
        self.0.log().readiness_polls
    }

    /// How many calls came to an instance that had not become ready.
    #[must_use]
    pub fn unready_calls(&self) -> usize {
        self.0.log().unready_calls
    }

    /// How many instances there ever were; the next clone has this number.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.0.instances.total()
    }

    /// How many instances are alive.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.0.instances.now()
    }

    /// How many response futures have neither ended nor been dropped.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.in_flight.now()
    }

    /// How many response futures were in flight at once, at most.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.0.in_flight.peak()
    }

    /// How many response bodies have frames left and were not dropped.
    #[must_use]
    pub fn open_bodies(&self) -> usize {
        self.0.bodies.now()
    }

    fn become_and_wake(&self, readiness: Readiness) {
        let waiting = {
            let mut log = self.0.log();
            log.readiness = readiness;
            let stalled = log.stalled.clone();
            let (stay, go) = std::mem::take(&mut log.waiting)
                .into_iter()
                .partition::<Vec<_>, _>(|(instance, _)| stalled.contains(instance));
            log.waiting = stay;
            go
        };
        waiting
            .into_iter()
            .map(|(_, waker)| waker)
            .for_each(Waker::wake);
    }
}
