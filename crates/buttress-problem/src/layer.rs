use std::sync::Arc;

use tower_layer::Layer;

use crate::responder::Responder;
use crate::{ProblemConfig, ProblemService};

/// Turns every error into a response. See the [module docs](crate).
#[derive(Debug, Clone)]
pub struct ProblemLayer {
    pub(crate) responder: Arc<Responder>,
}

impl ProblemLayer {
    /// Creates a layer with the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::with_config(ProblemConfig::default())
    }

    /// Creates a layer with this configuration.
    #[must_use]
    pub fn with_config(config: ProblemConfig) -> Self {
        Self {
            responder: Arc::new(Responder::new(config)),
        }
    }
}

impl Default for ProblemLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ProblemLayer {
    type Service = ProblemService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ProblemService::new(inner, Arc::clone(&self.responder))
    }
}
