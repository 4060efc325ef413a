use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::responder::Responder;
use crate::{Problem, ProblemConfig};

/// The problems of a service: the configuration that its layers share.
///
/// Clones are cheap and share their state. Every configuration is valid, so nothing here fails. See the
/// [crate docs](crate).
///
/// ```
/// use buttress_core::Ratio;
/// use buttress_problem::{ProblemConfig, ProblemLayer, Problems};
///
/// let problems = Problems::new(ProblemConfig::default().instance(true));
/// let layer = ProblemLayer::new(&problems);
/// # let _ = layer;
///
/// // Later, from any task, for calls that start from now on:
/// problems.reconfigure(problems.config().retry_after_jitter(Ratio::percent(20)));
/// ```
#[derive(Clone)]
pub struct Problems {
    /// Protects the current responder.
    current: Arc<Mutex<Arc<Responder>>>,
}

impl Problems {
    /// Creates the handle.
    #[must_use]
    pub fn new(config: ProblemConfig) -> Self {
        let responder = Arc::new(Responder::new(config));
        Self {
            current: Arc::new(Mutex::new(responder)),
        }
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> ProblemConfig {
        self.responder().config.clone()
    }

    /// Replaces the configuration, for calls that start from now on. Calls in flight keep the one they started with.
    pub fn reconfigure(&self, config: ProblemConfig) {
        let mut current = self.lock();
        let next = Arc::new(current.with(config));
        let before = std::mem::replace(&mut *current, next);
        before.replaced();
        drop(current);
    }

    /// Returns the problem of `error`: see [`ProblemConfig::on`].
    #[must_use]
    pub fn of(&self, error: &(dyn Error + 'static)) -> Problem {
        self.responder().config.registry.of(error)
    }

    pub(crate) fn responder(&self) -> Arc<Responder> {
        Arc::clone(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Responder>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// With the default configuration.
impl Default for Problems {
    fn default() -> Self {
        Self::new(ProblemConfig::default())
    }
}

impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problems")
            .field("config", &self.responder().config)
            .finish()
    }
}
