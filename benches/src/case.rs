//! What is measured: a layer, a stack or a rule, with its name and what it has to show.

use std::fmt;
use std::rc::Rc;

use tower::Service;

use crate::drive::{Answer, Drive, Work, work};
use crate::target::Target;

/// One thing to measure. Every round gets a fresh instance, so no round inherits another's state.
pub struct Case {
    name: &'static str,
    base: Option<&'static str>,
    calls: u64,
    recorder: bool,
    fails: bool,
    scaling: Option<Scaling>,
    target: Option<Target>,
    make: Box<dyn Fn() -> Instance>,
}

/// A handle that was just made, from which any number of threads get their work.
pub type Instance = Box<dyn Fn(Drive) -> Work>;

/// A case's part in the contention bench.
#[derive(Debug, Clone, Copy)]
pub struct Scaling {
    /// How many times slower than alone a call may be with a second thread on the handle, if that is said.
    pub at_most: Option<f64>,
}

impl Case {
    /// A case that calls the service which `make` builds.
    pub fn service<S, Req>(name: &'static str, make: impl Fn() -> S + 'static) -> Self
    where
        S: Service<Req> + Clone + Send + 'static,
        Req: Default + 'static,
        Result<S::Response, S::Error>: Answer,
    {
        Self::new(name, move || {
            let service = make();
            Box::new(move |drive| work(service.clone(), drive))
        })
    }

    /// A case that does what `make` returns.
    pub fn rule<F>(name: &'static str, make: impl Fn() -> F + 'static) -> Self
    where
        F: FnMut() + Send + 'static,
    {
        let make = Rc::new(make);
        Self::new(name, move || {
            let make = Rc::clone(&make);
            Box::new(move |_| {
                let mut rule = make();
                Box::new(move |_, calls| {
                    (0..calls).for_each(|_| rule());
                    calls
                })
            })
        })
    }

    fn new(name: &'static str, make: impl Fn() -> Instance + 'static) -> Self {
        Self {
            name,
            base: None,
            calls: CALLS,
            recorder: false,
            fails: false,
            scaling: None,
            target: None,
            make: Box::new(make),
        }
    }

    /// The case that this one is compared with: the inner service alone.
    #[must_use]
    pub fn over(mut self, base: &'static str) -> Self {
        self.base = Some(base);
        self
    }

    /// The calls of one round, for what is too slow for the usual 20 000 or is worn out by them.
    #[must_use]
    pub fn calls(mut self, calls: u64) -> Self {
        self.calls = calls;
        self
    }

    /// Measured with a Prometheus recorder installed.
    #[must_use]
    pub fn with_recorder(mut self) -> Self {
        self.recorder = true;
        self
    }

    /// Every call of this case ends in an error, by the layer's doing or the inner service's.
    #[must_use]
    pub fn failing(mut self) -> Self {
        self.fails = true;
        self
    }

    /// Also run in the contention bench.
    #[must_use]
    pub fn contended(mut self) -> Self {
        self.scaling = Some(Scaling { at_most: None });
        self
    }

    /// Also run in the contention bench, where a call may take this many times longer for two threads.
    #[must_use]
    pub fn scaling_within(mut self, ratio: f64) -> Self {
        self.scaling = Some(Scaling {
            at_most: Some(ratio),
        });
        self
    }

    /// What this case has to show.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// A fresh instance. Call it in the context of a runtime: some services take its clock.
    #[must_use]
    pub fn instance(&self) -> Instance {
        (self.make)()
    }

    /// The name, which is the first cell of the row.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The name of the case that this one is compared with.
    #[must_use]
    pub fn base(&self) -> Option<&'static str> {
        self.base
    }

    /// How many calls make a round.
    #[must_use]
    pub fn calls_a_round(&self) -> u64 {
        self.calls
    }

    /// Whether it needs a recorder.
    #[must_use]
    pub fn wants_recorder(&self) -> bool {
        self.recorder
    }

    /// Whether its calls end in errors.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.fails
    }

    /// Its part in the contention bench, if it has one.
    #[must_use]
    pub fn scaling(&self) -> Option<Scaling> {
        self.scaling
    }

    /// What it has to show, if that is said.
    #[must_use]
    pub fn targets(&self) -> Option<&Target> {
        self.target.as_ref()
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

const CALLS: u64 = 20_000;
