use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;

use http::Response;

use super::CallId;
use crate::sync::lock;
use crate::{Gate, Gauge, Script, TestBody, TestError};

/// The state that all clones of one probe and its handle share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) instances: Gauge,
    pub(super) in_flight: Gauge,
    pub(super) bodies: Gauge,
    /// All state other than plain counts. Locked for a few instructions, never while waking or responding.
    log: Mutex<Log>,
}

impl Shared {
    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }
}

#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) readiness: Readiness,
    pub(super) stalled: Range<usize>,
    pub(super) waiting: Vec<(usize, Waker)>,
    pub(super) held: bool,
    pub(super) lenient: bool,
    pub(super) script: Option<Script<Response<TestBody>>>,
    pub(super) next_scripts: VecDeque<Script<Response<TestBody>>>,
    pub(super) calls: Vec<Call>,
    pub(super) readied: Vec<usize>,
    pub(super) reserved: usize,
    pub(super) readiness_polls: usize,
    pub(super) unready_calls: usize,
}

impl Log {
    pub(super) fn readiness_of(&self, instance: usize) -> Readiness {
        if self.stalled.contains(&instance) {
            Readiness::Pending
        } else {
            self.readiness
        }
    }

    /// Only the latest waker of an instance is kept, as Tower specifies.
    pub(super) fn wait_for_readiness(&mut self, instance: usize, waker: &Waker) {
        self.waiting.retain(|(waiting, _)| *waiting != instance);
        self.waiting.push((instance, waker.clone()));
    }

    pub(super) fn reserve(&mut self, instance: usize) {
        self.readied.push(instance);
        self.reserved += 1;
    }

    pub(super) fn release(&mut self) {
        self.reserved -= 1;
    }

    /// Records a call of an instance that is not ready. Returns whether the call must panic.
    pub(super) fn unready_call(&mut self) -> bool {
        self.unready_calls += 1;
        !self.lenient
    }

    /// Records a call. Returns the gate it waits for, its script, and the counter of its polls.
    pub(super) fn begin(
        &mut self,
        instance: usize,
        id: Option<CallId>,
    ) -> (Gate, Script<Response<TestBody>>, Arc<AtomicUsize>) {
        let gate = Gate::new();
        if !self.held {
            gate.open();
        }
        let polls = Arc::default();
        self.calls.push(Call {
            instance,
            id,
            gate: gate.clone(),
            polls: Arc::clone(&polls),
        });
        let script = self
            .next_scripts
            .pop_front()
            .or_else(|| self.script.clone());
        (
            gate,
            script.unwrap_or_else(|| Script::new().ok(Response::default())),
            polls,
        )
    }
}

/// A call that reached the probe.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) instance: usize,
    pub(super) id: Option<CallId>,
    pub(super) gate: Gate,
    pub(super) polls: Arc<AtomicUsize>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Readiness {
    Err(TestError),
    Panic,
    Pending,
    #[default]
    Ready,
}
