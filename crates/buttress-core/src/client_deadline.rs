use std::time::{Duration, Instant};

use crate::{ConfigError, Deadline, Reason};

/// The deadline of an outgoing call.
///
/// | field | what it is | default |
/// |---|---|---|
/// | `timeout` | the longest timeout of a call | none: the time that remains |
/// | `margin` | subtracted for the round trip | 5 ms |
/// | `minimum` | the least time a call is sent with, after the margin | 1 ms |
///
/// ```
/// use std::time::{Duration, Instant};
/// use buttress_core::{Deadline, ClientDeadline, Reason};
///
/// let now = Instant::now();
/// let left = |millis| Deadline::after(now, Duration::from_millis(millis));
///
/// let deadline = ClientDeadline::default().send(now, left(100))?.expect("there is one");
/// assert_eq!(ClientDeadline::default().given(now, deadline), Duration::from_millis(95));
/// assert_eq!(ClientDeadline::default().send(now, left(5)), Err(Reason::DeadlineTooShort));
/// # Ok::<(), Reason>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientDeadline {
    /// The longest timeout of a call.
    pub timeout: Option<Duration>,
    /// Subtracted for the round trip.
    pub margin: Duration,
    /// The least time that a call is sent with, after the margin.
    pub minimum: Duration,
}

impl ClientDeadline {
    /// The deadline of a call that is sent `now`, where `inherited` is the deadline of the call that it is part of.
    /// `None` if there is none.
    ///
    /// # Errors
    ///
    /// Why the call is rejected: its deadline has passed, or too little time remains.
    #[inline]
    pub fn send(
        &self,
        now: Instant,
        inherited: Option<Deadline>,
    ) -> Result<Option<Deadline>, Reason> {
        let own = self
            .timeout
            .and_then(|timeout| Deadline::after(now, timeout));
        let Some(deadline) = Deadline::earlier(own, inherited) else {
            return Ok(None);
        };
        if deadline.has_passed(now) {
            return Err(Reason::DeadlineExpired);
        }
        let given = self.given(now, deadline);
        if given.is_zero() || given < self.minimum {
            return Err(Reason::DeadlineTooShort);
        }
        Ok(Some(deadline))
    }

    /// The timeout to send to a service that is called `now`, so that its response arrives by the deadline.
    #[must_use]
    pub fn given(&self, now: Instant, deadline: Deadline) -> Duration {
        deadline.less(now, self.margin).remaining(now)
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// The first invalid field, its value and its bound.
    pub fn check(&self) -> Result<(), ConfigError> {
        let Some(timeout) = self.timeout else {
            return Ok(());
        };
        let needed = self.margin.saturating_add(self.minimum);
        let bound = if timeout.is_zero() || timeout > Deadline::FURTHEST {
            "more than 0 and at most a year".to_owned()
        } else if timeout <= self.margin || timeout < needed {
            format!("more than the margin, and enough for it and the minimum: {needed:?}")
        } else {
            return Ok(());
        };
        Err(ConfigError::new(
            "timeout",
            format_args!("{timeout:?}"),
            bound,
        ))
    }
}

impl Default for ClientDeadline {
    fn default() -> Self {
        Self {
            timeout: None,
            margin: Duration::from_millis(5),
            minimum: Duration::from_millis(1),
        }
    }
}
