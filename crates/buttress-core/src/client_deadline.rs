use std::time::{Duration, Instant};

use crate::{ConfigError, Deadline, Reason};

/// The deadline of an outgoing call.
///
/// | field | what it is | default |
/// |---|---|---|
/// | `timeout` | what a call gets at most | none: as much as the caller has |
/// | `margin` | kept back for the way there and back | 5 ms |
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
    /// What a call gets at most.
    pub timeout: Option<Duration>,
    /// Kept back for the way there and back.
    pub margin: Duration,
    /// The least time that a call is sent with, after the margin.
    pub minimum: Duration,
}

impl ClientDeadline {
    /// When we stop waiting for the answer to a call that is sent `now`, on behalf of a call that has
    /// `inherited` a deadline or has none. `None` is never.
    ///
    /// # Errors
    ///
    /// Why the call is not worth sending: its time was over, or too little of it is left.
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

    /// The time given to a service called `now`, so that its response is here by the deadline.
    #[must_use]
    pub fn given(&self, now: Instant, deadline: Deadline) -> Duration {
        deadline.less(now, self.margin).remaining(now)
    }

    /// Whether the fields make sense together.
    ///
    /// # Errors
    ///
    /// Names the first field that does not, its value, and what it must be.
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
