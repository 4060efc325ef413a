use std::time::{Duration, Instant};

use crate::{ConfigError, Deadline, Reason};

/// The deadline of an incoming call.
///
/// | field | what it is | default |
/// |---|---|---|
/// | `timeout` | the timeout of a call whose caller sends no deadline | none: it has no deadline |
/// | `maximum` | the longest timeout, whatever the caller gives | `timeout` |
/// | `offset` | subtracted from the time that the caller gives, so that the response arrives in time | 0 |
/// | `minimum` | the least time a call is started with | 0 |
///
/// An incoming deadline is never extended.
///
/// ```
/// use std::time::{Duration, Instant};
/// use buttress_core::{ServerDeadline, Reason};
///
/// let second = Duration::from_secs(1);
/// let ingress = ServerDeadline { timeout: Some(2 * second), ..ServerDeadline::default() };
///
/// let now = Instant::now();
/// let patient = ingress.admit(now, Some(60 * second), None)?.expect("it has a deadline");
/// assert_eq!(patient.remaining(now), 2 * second);
/// assert_eq!(ingress.admit(now, Some(Duration::ZERO), None), Err(Reason::DeadlineExpired));
/// # Ok::<(), Reason>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServerDeadline {
    /// The timeout of a call whose caller sends no deadline.
    pub timeout: Option<Duration>,
    /// The longest timeout, if that is more than `timeout`.
    pub maximum: Option<Duration>,
    /// Subtracted from the time that the caller gives.
    pub offset: Duration,
    /// The least time that a call is started with.
    pub minimum: Duration,
}

impl ServerDeadline {
    /// The deadline of a call that arrives `now`, if it has one, by a rule that passed its [`check`](Self::check).
    /// `given` is the time its caller gave it, `outer` the deadline of what it is part of; the earlier holds.
    ///
    /// # Errors
    ///
    /// Why the call is rejected: its deadline has passed, or too little time remains.
    #[inline]
    pub fn admit(
        &self,
        now: Instant,
        given: Option<Duration>,
        outer: Option<Deadline>,
    ) -> Result<Option<Deadline>, Reason> {
        let own = match given {
            // It was checked to be valid.
            None => self
                .timeout
                .and_then(|timeout| now.checked_add(timeout).map(Deadline::at)),
            Some(given) if given.is_zero() => return Err(Reason::DeadlineExpired),
            Some(given) if given <= self.offset => return Err(Reason::DeadlineTooShort),
            Some(given) => Deadline::after(now, (given - self.offset).min(self.cap())),
        };
        if given.is_none() && outer.is_none() {
            return Ok(own);
        }
        let deadline = Deadline::earlier(own, outer);
        match deadline.map(|deadline| deadline.remaining(now)) {
            Some(Duration::ZERO) => Err(Reason::DeadlineExpired),
            Some(remaining) if remaining < self.minimum => Err(Reason::DeadlineTooShort),
            _ => Ok(deadline),
        }
    }

    /// Rejects invalid values.
    ///
    /// # Errors
    ///
    /// The first invalid field, its value and its bound.
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse = |field, value: Duration, bound: String| {
            Err(ConfigError::new(field, format_args!("{value:?}"), bound))
        };
        if let Some(timeout) = self.timeout {
            if timeout.is_zero() || timeout > Deadline::FURTHEST {
                return refuse("timeout", timeout, "more than 0 and at most a year".into());
            }
            if timeout < self.minimum {
                let bound = format!("at least the minimum, {:?}", self.minimum);
                return refuse("timeout", timeout, bound);
            }
        }
        match (self.maximum, self.timeout) {
            (Some(maximum), _) if maximum.is_zero() => {
                refuse("maximum", maximum, "more than 0".into())
            }
            (Some(maximum), Some(timeout)) if maximum < timeout => refuse(
                "maximum",
                maximum,
                format!("at least the timeout, {timeout:?}"),
            ),
            (Some(maximum), None) if maximum < self.minimum => refuse(
                "maximum",
                maximum,
                format!("at least the minimum, {:?}", self.minimum),
            ),
            _ => Ok(()),
        }
    }

    fn cap(&self) -> Duration {
        self.maximum.or(self.timeout).unwrap_or(Duration::MAX)
    }
}
