use std::time::{Duration, Instant};

use buttress_core::{ConfigError, Deadline};
use buttress_http::Until;

/// The timeouts of the parts of a response, besides the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Limits {
    pub(crate) until: Until,
    pub(crate) head_timeout: Option<Duration>,
    pub(crate) body_idle: Option<Duration>,
    pub(crate) body_timeout: Option<Duration>,
}

impl Limits {
    pub(crate) fn are_any(&self) -> bool {
        self.head_timeout.is_some() || self.body_idle.is_some() || self.body_timeout.is_some()
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        for (field, limit) in [
            ("head_timeout", self.head_timeout),
            ("body_idle", self.body_idle),
            ("body_timeout", self.body_timeout),
        ] {
            if let Some(limit) = limit
                && (limit.is_zero() || limit > Deadline::FURTHEST)
            {
                let bound = "more than 0 and at most a year";
                return Err(ConfigError::new(field, format_args!("{limit:?}"), bound));
            }
        }
        Ok(())
    }
}

/// Returns the earlier of a deadline and the end of a timeout that starts at `from`.
#[inline]
pub(crate) fn earlier(
    deadline: Option<Instant>,
    from: Instant,
    limit: Option<Duration>,
) -> Option<Instant> {
    let Some(limited) = limit.and_then(|limit| from.checked_add(limit)) else {
        return deadline;
    };
    Some(deadline.map_or(limited, |deadline| deadline.min(limited)))
}
