//! A measured layer, stack or rule, with its name and target.

use std::fmt;
use std::rc::Rc;

use tower::Service;

use crate::drive::{Answer, Drive, Work, work};
use crate::target::Target;

/// A case to measure. Each round gets a fresh instance, so that no state is kept between rounds.
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

/// A new handle, from which any number of threads get their work.
pub type Instance = Box<dyn Fn(Drive) -> Work>;

/// The settings of a case in the contention bench.
#[derive(Debug, Clone, Copy)]
pub struct Scaling {
    /// The maximum ratio of the time of a call with two threads to that with one, if there is a target.
    pub at_most: Option<f64>,
}

impl Case {
    /// A case that calls the service returned by `make`.
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

    /// A case that runs the closure returned by `make`.
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

    /// Sets the case that this one is compared with: the inner service alone.
    #[must_use]
    pub fn over(mut self, base: &'static str) -> Self {
        self.base = Some(base);
        self
    }

    /// Sets the calls of a round, for cases that are too slow for the usual 20 000 or cannot make as many.
    #[must_use]
    pub fn calls(mut self, calls: u64) -> Self {
        self.calls = calls;
        self
    }

    /// Installs a Prometheus recorder for the measurement.
    #[must_use]
    pub fn with_recorder(mut self) -> Self {
        self.recorder = true;
        self
    }

    /// States that every call of this case fails, in the layer or in the inner service.
    #[must_use]
    pub fn failing(mut self) -> Self {
        self.fails = true;
        self
    }

    /// Adds the case to the contention bench.
    #[must_use]
    pub fn contended(mut self) -> Self {
        self.scaling = Some(Scaling { at_most: None });
        self
    }

    /// Adds the case to the contention bench, with a maximum ratio for two threads.
    #[must_use]
    pub fn scaling_within(mut self, ratio: f64) -> Self {
        self.scaling = Some(Scaling {
            at_most: Some(ratio),
        });
        self
    }

    /// Sets the target.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Returns a fresh instance. Call it in the context of a runtime, because some services use its clock.
    #[must_use]
    pub fn instance(&self) -> Instance {
        (self.make)()
    }

    /// Returns the name, which is the first cell of the row.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the name of the case that this one is compared with.
    #[must_use]
    pub fn base(&self) -> Option<&'static str> {
        self.base
    }

    /// Returns the number of calls of a round.
    #[must_use]
    pub fn calls_a_round(&self) -> u64 {
        self.calls
    }

    /// Returns whether it needs a recorder.
    #[must_use]
    pub fn wants_recorder(&self) -> bool {
        self.recorder
    }

    /// Returns whether its calls fail.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.fails
    }

    /// Returns its settings in the contention bench, if it is part of it.
    #[must_use]
    pub fn scaling(&self) -> Option<Scaling> {
        self.scaling
    }

    /// Returns the target, if there is one.
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
