use tower_layer::Layer;

use crate::{ProblemService, Problems};

/// Turns every error into a response. See the [crate docs](crate).
///
/// All services of all layers of one [`Problems`] share its configuration, however often `layer` is called. The
/// default layer has the default configuration.
#[derive(Debug, Clone, Default)]
pub struct ProblemLayer {
    problems: Problems,
}

impl ProblemLayer {
    /// Turns errors into the responses that the handle is configured for.
    #[must_use]
    pub fn new(problems: &Problems) -> Self {
        Self {
            problems: problems.clone(),
        }
    }
}

impl<S> Layer<S> for ProblemLayer {
    type Service = ProblemService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ProblemService::new(inner, self.problems.clone())
    }
}
