use std::cell::Cell;

use http::Request;
use tokio::runtime::EnterGuard;

use crate::call_state::CallState;
use crate::caller::Caller;
use crate::contract::{Contract, Readiness};
use crate::finding::{Check, Finding, ensure};
use crate::subject::Subject;
use crate::{CallId, Gauge, LayerUnderTest, ProbeHandle, ReadyProbe, TestBody, VirtualClock};

/// The environment in which one invariant is checked: the declared contract, a way to create a new layer, and a clock.
pub(crate) struct TestEnv<'a> {
    pub(crate) contract: &'a Contract,
    pub(crate) clock: VirtualClock,
    make: &'a dyn Fn() -> LayerUnderTest,
}

impl<'a> TestEnv<'a> {
    pub(crate) fn new(contract: &'a Contract, make: &'a dyn Fn() -> LayerUnderTest) -> Self {
        Self {
            contract,
            clock: VirtualClock::new(),
            make,
        }
    }

    /// Creates a harness: a new layer around a new probe, with the clock of this environment.
    pub(crate) fn harness(&self) -> Harness<'_> {
        // Runs finished tasks of an earlier harness to their end, so that they are not counted.
        self.clock.turn();
        Harness::new(self, Some(self.clock.enter()))
    }

    /// Creates a harness outside of any runtime.
    pub(crate) fn harness_without_runtime(&self) -> Harness<'_> {
        Harness::new(self, None)
    }

    /// The declared capacity, or not applicable without one.
    pub(crate) fn capacity(&self) -> Result<usize, Finding> {
        let capacity = self.contract.capacity;
        capacity.ok_or_else(|| Finding::not_applicable("it declares no capacity"))
    }

    /// The number of clones to try: the capacity, or 4 for a layer without one.
    pub(crate) fn several(&self) -> usize {
        self.contract.capacity.unwrap_or(4)
    }

    /// Whether ready clones may hold their slots for ever, because the layer declares so.
    pub(crate) fn reserves_for_ever(&self) -> bool {
        self.contract.readiness == Readiness::Reserve { idle_release: None }
    }
}

/// A layer under test around a probe, and the initial state of both.
pub(crate) struct Harness<'a> {
    pub(crate) env: &'a TestEnv<'a>,
    pub(crate) probe: ProbeHandle,
    pub(crate) layer: LayerUnderTest,
    pub(crate) requests: Gauge,
    subject: Subject,
    beside: Option<Subject>,
    initial_state: Option<String>,
    initial_tasks: usize,
    next_id: Cell<u64>,
    _inside: Option<EnterGuard<'a>>,
}

impl<'a> Harness<'a> {
    fn new(env: &'a TestEnv<'a>, inside: Option<EnterGuard<'a>>) -> Self {
        let initial_tasks = env.clock.tasks();
        let layer = (env.make)();
        let (inner, probe) = ReadyProbe::new();
        // Only R1 tests this, by counting. In other tests a panic would hide the invariant under test.
        probe.tolerate_unready_calls();
        probe.hold();
        let beside = layer.wrap_beside(inner.clone());
        let subject = layer.wrap(inner);
        Self {
            initial_state: layer.read_state(),
            initial_tasks,
            env,
            probe,
            layer,
            requests: Gauge::default(),
            subject,
            beside,
            next_id: Cell::new(0),
            _inside: inside,
        }
    }

    /// Creates a caller with a clone of the service and one request. It has not polled yet.
    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller::new(self, self.subject.clone())
    }

    /// Creates a caller of the layer beside, if there is one.
    pub(crate) fn caller_beside(&self) -> Option<Caller<'_>> {
        let beside = self.beside.as_ref()?;
        Some(Caller::new(self, beside.clone()))
    }

    /// Creates a caller of a [`sibling`](Self::sibling).
    pub(crate) fn caller_of(&self, subject: &Subject) -> Caller<'_> {
        Caller::new(self, subject.clone())
    }

    /// Creates a service with another `layer()` call of the same layer, around a new probe.
    pub(crate) fn sibling(&self) -> (Subject, ProbeHandle) {
        let (inner, probe) = ReadyProbe::new();
        probe.tolerate_unready_calls();
        probe.hold();
        (self.layer.wrap(inner), probe)
    }

    pub(crate) fn callers(&self, count: usize) -> Vec<Caller<'_>> {
        (0..count).map(|_| self.caller()).collect()
    }

    /// Creates the request of a new call. The harness counts it until it is dropped.
    pub(crate) fn request(&self) -> (CallId, Request<TestBody>) {
        let id = CallId(self.next_id.get());
        self.next_id.set(id.0 + 1);
        let body = TestBody::empty().data("request").counted(&self.requests);
        let mut request = Request::new(body);
        request.extensions_mut().insert(id);
        (id, request)
    }

    /// Returns this many calls that are held inside the probe.
    pub(crate) fn inside(&self, count: usize) -> Result<Vec<Caller<'_>>, Finding> {
        let mut callers = self.callers(count);
        for (index, caller) in callers.iter_mut().enumerate() {
            caller.expect(CallState::Inside, &format!("call {} of {count}", index + 1))?;
        }
        Ok(callers)
    }

    /// Fills the capacity with calls that are held inside the probe.
    pub(crate) fn full(&self) -> Result<Vec<Caller<'_>>, Finding> {
        self.inside(self.env.capacity()?)
    }

    /// Fills the capacity, and adds this many waiters.
    pub(crate) fn queue(
        &self,
        count: usize,
    ) -> Result<(Vec<Caller<'_>>, Vec<Caller<'_>>), Finding> {
        let full = self.full()?;
        let mut waiting = self.callers(count);
        for caller in &mut waiting {
            let why = match caller.poll() {
                CallState::Waiting => continue,
                CallState::Rejected => "no caller waits: it rejects when full",
                _ => "no caller waits: it admits more than its capacity, see A6",
            };
            return Err(Finding::not_applicable(why));
        }
        Ok((full, waiting))
    }

    /// Checks that nothing remains of any call: the state is the initial one, and the whole capacity is free.
    pub(crate) fn at_rest(&self, after: &str) -> Check {
        self.nothing_left(after)?;
        self.let_recover();
        self.has_room(after)
    }

    /// Checks the same without time to recover, for a layer that had no reason to reject any call.
    pub(crate) fn at_rest_at_once(&self, after: &str) -> Check {
        self.nothing_left(after)?;
        self.has_room(after)
    }

    fn has_room(&self, after: &str) -> Check {
        let few = self.env.contract.capacity.unwrap_or(1);
        self.probe.ready();
        self.probe.hold();
        let mut callers = self.callers(few);
        for (index, caller) in callers.iter_mut().enumerate() {
            let state = caller.poll();
            ensure(
                state == CallState::Inside,
                format!("after {after}, {few} calls get in"),
                format!("{index} got in, the next is {state}"),
            )?;
        }
        callers.iter_mut().for_each(Caller::finish_and_leave);
        drop(callers);
        self.nothing_left(after)
    }

    /// Waits for the declared recovery time, in which a layer that learned from failures may reject.
    fn let_recover(&self) {
        if let Some(recovery) = self.env.contract.recovers_within {
            self.env.clock.advance(recovery);
        }
    }

    pub(crate) fn nothing_left(&self, after: &str) -> Check {
        self.let_tasks_run();
        let none = |what: &str, left: usize| {
            let expected = format!("after {after}, no {what} is left");
            ensure(left == 0, expected, format!("{left} left"))
        };
        none("inner future", self.probe.in_flight())?;
        none("open body", self.probe.open_bodies())?;
        none("request", self.requests.now())?;
        none("readied inner service", self.probe.reserved())?;
        self.state_is_initial(after)
    }

    pub(crate) fn state_is_initial(&self, after: &str) -> Check {
        let state = self.layer.read_state();
        ensure(
            state == self.initial_state,
            format!(
                "after {after}, the state is as at the start: {}",
                text(&self.initial_state)
            ),
            text(&state),
        )
    }

    /// Runs the spawned tasks, for layers with a worker.
    pub(crate) fn let_tasks_run(&self) {
        if self.tasks() > 0 {
            self.env.clock.turn();
        }
    }

    /// The number of tasks alive beyond those at the start.
    pub(crate) fn tasks(&self) -> usize {
        self.env.clock.tasks().saturating_sub(self.initial_tasks)
    }

    /// Checks that this many calls, one after another, reach the probe and return its response.
    pub(crate) fn works(&self, calls: usize, after: &str) -> Check {
        self.let_recover();
        self.probe.ready();
        self.probe.let_go();
        for call in 0..calls {
            let mut caller = self.caller();
            let state = caller.poll();
            ensure(
                state == CallState::Responded && caller.succeeded(),
                format!("after {after}, {calls} calls succeed"),
                format!("call {} is {state}", call + 1),
            )?;
        }
        Ok(())
    }
}

fn text(state: &Option<String>) -> String {
    state.as_deref().unwrap_or("(not shown)").to_owned()
}
