use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use http::Response;

use super::shared::{Readiness, Shared};
use crate::{Script, TestBody, TestError};

/// The call that a request belongs to. The probe reads it from the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId(pub u64);

/// Controls a [`ReadyProbe`](crate::ReadyProbe), and reads what it recorded.
#[derive(Debug, Clone)]
pub struct ProbeHandle(Arc<Shared>);

impl ProbeHandle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Makes the probe ready, and wakes all tasks that wait for readiness.
    pub fn ready(&self) {
        self.become_and_wake(Readiness::Ready);
    }

    /// Makes the probe not ready, except for instances that are ready already.
    pub fn not_ready(&self) {
        self.0.log().readiness = Readiness::Pending;
    }

    /// Makes `poll_ready` fail, and wakes all tasks that wait for readiness.
    pub fn broken(&self) {
        self.become_and_wake(Readiness::Err(TestError::new("scripted readiness error")));
    }

    /// Makes `poll_ready` panic.
    pub fn panics_in_poll_ready(&self) {
        self.0.log().readiness = Readiness::Panic;
    }

    /// Keeps these instances from becoming ready, whatever applies to the others.
    pub fn stall(&self, instances: Range<usize>) {
        self.0.log().stalled = instances;
    }

    /// Keeps every service from becoming ready that is not ready yet, until [changed](Self::stall).
    pub fn stall_from_now_on(&self) {
        self.stall(0..usize::MAX);
    }

    /// Counts calls of instances that are not ready, and responds instead of panicking.
    pub fn tolerate_unready_calls(&self) {
        self.0.log().lenient = true;
    }

    /// Sets the script of all calls from now on.
    pub fn script(&self, script: Script<Response<TestBody>>) {
        self.0.log().script = Some(script);
    }

    /// Sets the script of all calls, and discards the scripts of earlier [`script_next`](Self::script_next) calls.
    pub fn script_all(&self, script: Script<Response<TestBody>>) {
        let mut log = self.0.log();
        log.next_scripts.clear();
        log.script = Some(script);
    }

    /// Sets the script of the next call that has none from an earlier `script_next`.
    pub fn script_next(&self, script: Script<Response<TestBody>>) {
        self.0.log().next_scripts.push_back(script);
    }

    /// Holds the calls that start from now on: each is pending until [released](Self::release).
    pub fn hold(&self) {
        self.0.log().held = true;
    }

    /// Holds no further calls. Calls that are held stay held.
    pub fn let_pass(&self) {
        self.0.log().held = false;
    }

    /// Holds no further calls, and releases those that are held.
    pub fn let_go(&self) {
        self.let_pass();
        let gates: Vec<_> = {
            let log = self.0.log();
            log.calls.iter().map(|call| call.gate.clone()).collect()
        };
        gates.iter().for_each(crate::Gate::open);
    }

    /// Releases the held call with this id.
    pub fn release(&self, id: CallId) {
        let gates: Vec<_> = {
            let log = self.0.log();
            let calls = log.calls.iter().filter(|call| call.id == Some(id));
            calls.map(|call| call.gate.clone()).collect()
        };
        gates.iter().for_each(crate::Gate::open);
    }

    /// The number of calls that reached the probe.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.0.log().calls.len()
    }

    /// The number of calls with this id that reached the probe: one for each attempt.
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

    /// The number of polls of each call, in the order of the calls: of its future and its body.
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

    /// The number of instances that are ready and neither called nor dropped yet.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.0.log().reserved
    }

    /// The number of polls of readiness.
    #[must_use]
    pub fn readiness_polls(&self) -> usize {
        self.0.log().readiness_polls
    }

    /// The number of calls to an instance that had not become ready.
    #[must_use]
    pub fn unready_calls(&self) -> usize {
        self.0.log().unready_calls
    }

    /// The number of instances ever created. The next clone gets this number.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.0.instances.total()
    }

    /// The number of instances that are alive.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.0.instances.now()
    }

    /// The number of response futures that have neither ended nor been dropped.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.in_flight.now()
    }

    /// The largest number of response futures in flight at one time.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.0.in_flight.peak()
    }

    /// The number of response bodies that have frames left and were not dropped.
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
