use std::fmt;
use std::sync::Arc;

use buttress_core::Criticality;
use http::{Extensions, HeaderMap};

/// Which callers' criticality headers are trusted.
///
/// ```
/// use buttress_core::Criticality::{Critical, High, Low};
/// use buttress_shed::Trust;
///
/// // An unknown caller may lower the criticality of its request, but not raise it.
/// assert_eq!(Trust::LowerOnly.resolve(Some(Low), High), Low);
/// assert_eq!(Trust::LowerOnly.resolve(Some(Critical), High), High);
/// assert_eq!(Trust::Always.resolve(Some(Critical), High), Critical);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// All callers: for servers that only your own services can reach.
    Always,
    /// No callers: the header is ignored.
    Never,
    /// All callers, if the header lowers the criticality.
    #[default]
    LowerOnly,
}

impl Trust {
    /// Returns the criticality of a request with this header. `otherwise` is the criticality without a header.
    #[must_use]
    pub fn resolve(self, said: Option<Criticality>, otherwise: Criticality) -> Criticality {
        match (self, said) {
            (Self::Always, Some(said)) => said,
            (Self::LowerOnly, Some(said)) => said.min(otherwise),
            (Self::Never, _) | (_, None) => otherwise,
        }
    }
}

/// Whether a request comes from a trusted caller.
#[derive(Clone)]
pub(super) struct Known(pub(super) Arc<IsKnown>);

pub(super) type IsKnown = dyn Fn(&HeaderMap, &Extensions) -> bool + Send + Sync;

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Known")
    }
}
