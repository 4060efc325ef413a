use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::contract::{Contract, QueueOrder, Readiness, Sharing};
use crate::harness::TestEnv;
use crate::invariants::{self, Invariant};
use crate::{FuzzReport, LayerUnderTest, Line, Report, Verdict, shake};

/// The conformance suite for one layer. See the [crate docs](crate) for an example.
///
/// Nothing is assumed that is not declared:
///
/// | declared by | default |
/// |---|---|
/// | [`capacity`](Self::capacity) | no limit on calls in flight |
/// | [`readiness`](Self::readiness) | [`Readiness::AtCall`] |
/// | [`holds_body`](Self::holds_body) | a call ends with its headers |
/// | [`max_wait`](Self::max_wait) | a wait has no bound |
/// | [`ends_within`](Self::ends_within) | a call has no time limit |
/// | [`ready_within`](Self::ready_within) | `poll_ready` waits until the inner service is ready, without a time limit |
/// | [`reader_idle`](Self::reader_idle) | a reader keeps its slot without bound |
/// | [`adapts`](Self::adapts) | its limit does not depend on latency |
/// | [`attempts`](Self::attempts) | the number of sends and copies of a request is not tested |
/// | [`queue`](Self::queue) | the number of waiters is not tested |
/// | [`serves`](Self::serves) | no order is declared |
/// | [`recovers_within`](Self::recovers_within) | failures make it reject no calls |
/// | [`sharing`](Self::sharing) | not tested |
/// | [`needs_timer`](Self::needs_timer) | works without a runtime |
/// | [`only`](Self::only) | the whole suite |
/// | [`except`](Self::except) | no exceptions |
#[must_use]
pub struct Conformance {
    name: String,
    make: Box<dyn Fn() -> LayerUnderTest>,
    contract: Contract,
}

impl Conformance {
    /// Creates the suite for the layers that `make` returns: each is a new layer with its own state.
    pub fn new<M: Into<LayerUnderTest>>(
        name: impl Into<String>,
        make: impl Fn() -> M + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            make: Box::new(move || make().into()),
            contract: Contract::default(),
        }
    }

    /// The layer admits this many calls at once.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0: a layer that admits nothing cannot be tested.
    pub fn capacity(mut self, capacity: usize) -> Self {
        assert!(capacity > 0, "capacity must be at least 1");
        self.contract.capacity = Some(capacity);
        self
    }

    /// What an idle clone that was polled ready reserves.
    pub fn readiness(mut self, readiness: Readiness) -> Self {
        self.contract.readiness = readiness;
        self
    }

    /// A call keeps its slot until the response body ends, fails or is dropped.
    pub fn holds_body(mut self) -> Self {
        self.contract.holds_body = true;
        self
    }

    /// A caller that waits for a slot is rejected after `max_wait`.
    pub fn max_wait(mut self, max_wait: Duration) -> Self {
        self.contract.max_wait = Some(max_wait);
        self
    }

    /// A call ends within this time of `call` and releases its slot, its inner future and its inner body. That holds
    /// even if a reader polls nothing, as hyper does for a client that does not read.
    pub fn ends_within(mut self, longest: Duration) -> Self {
        self.contract.ends_within = Some(longest);
        self
    }

    /// A service whose `poll_ready` waits for its inner service becomes ready after this time even so, and then rejects
    /// the call.
    pub fn ready_within(mut self, longest: Duration) -> Self {
        self.contract.ready_within = Some(longest);
        self
    }

    /// A reader that has not polled its response for a frame for this long loses its slot when other callers find none
    /// free, at most one eighth of that time later. The response itself continues.
    pub fn reader_idle(mut self, idle: Duration) -> Self {
        self.contract.reader_idle = Some(idle);
        self
    }

    /// The layer adapts its limit to the results of calls.
    pub fn adapts(mut self) -> Self {
        self.contract.adapts = true;
        self
    }

    /// The layer sends a request to its inner service at most this many times, and copies it no more often. If it sends
    /// a request once, it does not copy it.
    ///
    /// # Panics
    ///
    /// If `most` is 0: a request that is never sent has no response.
    pub fn attempts(mut self, most: usize) -> Self {
        assert!(most > 0, "attempts must be at least 1");
        self.contract.attempts = Some(most);
        self
    }

    /// At most this many callers may wait when all slots are taken.
    pub fn queue(mut self, most: usize) -> Self {
        self.contract.queue = Some(most);
        self
    }

    /// Waiters are admitted in this order.
    pub fn serves(mut self, turns: QueueOrder) -> Self {
        self.contract.turns = Some(turns);
        self
    }

    /// A layer that rejects because of failures admits a call again within this time. Once
    /// [tripped](LayerUnderTest::trip), it admits another within this time after each admitted call, however that call
    /// ends.
    pub fn recovers_within(mut self, recovery: Duration) -> Self {
        self.contract.recovers_within = Some(recovery);
        self
    }

    /// What the services of two `layer()` calls have in common.
    pub fn sharing(mut self, sharing: Sharing) -> Self {
        self.contract.sharing = Some(sharing);
        self
    }

    /// The layer uses timers, so it works only within a runtime.
    pub fn needs_timer(mut self) -> Self {
        self.contract.needs_timer = true;
        self
    }

    /// Tests these invariants only, for a layer whose configuration contradicts the others. A circuit that opens after
    /// three failures rejects calls where most of the suite expects a response.
    ///
    /// # Panics
    ///
    /// If the suite has no invariant of one of these names.
    pub fn only(mut self, invariants: &[&str]) -> Self {
        let names = invariants.iter().map(|name| known(name).name);
        self.contract.only = Some(names.collect());
        self
    }

    /// Excludes the invariant called `invariant`, for the reason `why`.
    ///
    /// # Panics
    ///
    /// If the suite has no invariant of that name.
    pub fn except(mut self, invariant: &str, why: impl Into<String>) -> Self {
        let exception = (known(invariant).name, why.into());
        self.contract.exceptions.push(exception);
        self
    }

    /// Runs the whole suite, on a runtime and a clock of its own. Call it from a plain `#[test]`.
    pub fn run(self) -> Report {
        let only = self.contract.only.as_deref();
        let selected =
            |invariant: &&Invariant| only.is_none_or(|only| only.contains(&invariant.name));
        let lines = invariants::all().filter(selected).map(|invariant| Line {
            invariant: invariant.name,
            statement: invariant.statement,
            verdict: self.verdict(invariant),
        });
        let lines = lines.collect();
        Report::new(self.name, lines)
    }

    /// Fuzzes the layer instead, with random faults and callers from each of the seeds. See [`shake`](crate::shake).
    pub fn shake(self, seeds: impl IntoIterator<Item = u64>) -> FuzzReport {
        shake::run(self.name, &self.contract, &*self.make, seeds)
    }

    fn verdict(&self, invariant: &Invariant) -> Verdict {
        let mut exceptions = self.contract.exceptions.iter();
        if let Some((_, why)) = exceptions.find(|(name, _)| *name == invariant.name) {
            return Verdict::NotApplicable(why.clone());
        }
        let check = || (invariant.check)(&TestEnv::new(&self.contract, &*self.make));
        match catch_unwind(AssertUnwindSafe(check)) {
            Ok(check) => check.into(),
            Err(panic) => Verdict::Failed {
                expected: "no panic".to_owned(),
                seen: format!("a panic: {}", text_of(&*panic)),
            },
        }
    }
}

impl fmt::Debug for Conformance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conformance")
            .field("name", &self.name)
            .field("contract", &self.contract)
            .finish_non_exhaustive()
    }
}

fn known(name: &str) -> &'static Invariant {
    let known = invariants::all().find(|known| known.name == name);
    known.unwrap_or_else(|| panic!("the suite has no invariant {name}"))
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}
