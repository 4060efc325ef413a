//! Which outcome counts when a call ends without a response, or late: one definition for all rules.
//!
//! The outcome depends on the service only, not on its callers or on readers of responses.
//!
//! | the call | what it says about the service |
//! |---|---|
//! | is dropped after the head of its answer came | nothing, however long the body took: its pace depends on the reader |
//! | times out after the head, by its error or its trailers | nothing, for the same reason |
//! | is a probe of a circuit, and is dropped or times out after the head | it has succeeded: it tests whether there is a response |
//! | is dropped before the head, because its caller cancelled it | nothing |
//! | is dropped before the head, [by its deadline](crate::Ending::Expired), after at least the *timeout threshold* | a timeout |
//! | is dropped before the head, by its deadline, sooner | nothing: its caller allowed less time than calls take |
//! | is dropped before the head, without a reason, at the time that [its request declares](crate::Identify::caller_deadline) | as by its deadline: tonic's server and client end calls so |
//! | fails with a timeout, and its caller allowed less than the threshold | nothing, for the same reason |
//! | has a slow body | nothing: the latency of a call is the time to its head |
//! | waits for the body of its request | the latency without that wait: it is [the caller's](crate::Upload) time, and makes no call slow or timed out |
//! | is answered while more of its request may come, after it waited for that | a latency that is unknown |
//! | fails after its caller broke off the request | nothing |
//!
//! The time that a caller allowed is the deadline of the task, or what [the request
//! declares](crate::Identify::caller_deadline).
//!
//! The timeout threshold is the configured timeout, or else the typical latency of answered calls. Without it a single
//! caller with deadlines of a millisecond could open a circuit, or lower a limit, for all others.

use std::time::{Duration, Instant};

use crate::time::nanos;
use crate::{Deadline, Ending, Upload};

/// A call that was dropped before it ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropped {
    pub(crate) ending: Ending,
    /// Whether the head of the response had arrived.
    pub(crate) answered: bool,
    pub(crate) took: Duration,
}

impl Dropped {
    /// Whether the drop counts as a timeout of the service.
    pub(crate) fn is_timeout(self, threshold: Duration) -> bool {
        self.ending == Ending::Expired && !self.answered && self.took >= threshold
    }
}

/// Why a call was dropped, if its request declared that its caller waits for `allowed`, and it was dropped after `took`.
/// Who keeps that time outside of our layers drops the call without a reason. Its timer began earlier than the layer.
pub(crate) fn at_declared_end(ending: Ending, allowed: u64, took: u64) -> Ending {
    if ending == Ending::Abandoned && took >= allowed - allowed / EARLY {
        Ending::Expired
    } else {
        ending
    }
}

/// The timer outside may have started before the call reached the layer, by up to a sixteenth of the declared time. Chosen,
/// not measured: a caller that leaves this late has allowed almost all of its time.
const EARLY: u64 = 16;

/// Whether a call that timed out took less than `threshold` without the wait for its caller, and at least that with it.
/// Such a timeout is not counted against the service.
pub(crate) fn was_kept_waiting(
    upload: Option<&Upload>,
    took: u64,
    now: Instant,
    threshold: Duration,
) -> bool {
    let threshold = nanos(threshold);
    let waited = upload.map_or(0, |upload| nanos(upload.waited(now)));
    took < threshold && took.saturating_add(waited) >= threshold
}

/// Whether the deadline of a call that began at `began` allowed less than `threshold`. Such a timeout is not counted
/// against the service.
pub(crate) fn was_cut_short(
    deadline: Option<Deadline>,
    began: Instant,
    threshold: Duration,
) -> bool {
    deadline.is_some_and(|deadline| deadline.remaining(began) < threshold)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test needs some moment to begin at"
    )]
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_a_deadline_that_left_enough_time_blames_the_service() {
        for ending in [Ending::Abandoned, Ending::Refused, Ending::Expired] {
            for answered in [false, true] {
                for took in [SECOND / 2, SECOND, 60 * SECOND] {
                    let dropped = Dropped {
                        ending,
                        answered,
                        took,
                    };
                    let expected = ending == Ending::Expired && !answered && took >= SECOND;
                    assert_eq!(dropped.is_timeout(SECOND), expected, "{dropped:?}");
                }
            }
        }
    }

    #[test]
    fn a_drop_at_the_declared_time_is_by_the_deadline() {
        use Ending::{Abandoned, Expired, Refused};
        for (ending, took, expected) in [
            (Abandoned, 0, Abandoned),
            (Abandoned, 149, Abandoned),
            (Abandoned, 150, Expired),
            (Abandoned, u64::MAX, Expired),
            (Refused, 160, Refused),
            (Expired, 0, Expired),
        ] {
            assert_eq!(at_declared_end(ending, 160, took), expected, "{took}");
        }
        assert_eq!(at_declared_end(Abandoned, u64::MAX, 1 << 40), Abandoned);
    }

    #[test]
    fn a_call_waits_for_its_caller_only_if_the_deadline_is_below_the_usual_time() {
        let start = Instant::now();
        let upload = Upload::new(start);
        let kept = |took| was_kept_waiting(Some(&upload), nanos(took), start + SECOND, SECOND);
        assert!(!kept(SECOND / 2), "the service did not wait");
        upload.wait(start + SECOND / 2);
        assert!(kept(SECOND / 2));
        assert!(!kept(SECOND));
        assert!(!was_kept_waiting(None, 0, start, SECOND));
    }

    #[test]
    fn a_call_is_cut_short_only_by_a_deadline_that_left_less() {
        let now = Instant::now();
        assert!(!was_cut_short(None, now, SECOND));
        assert!(!was_cut_short(Deadline::after(now, SECOND), now, SECOND));
        assert!(was_cut_short(Deadline::after(now, SECOND / 2), now, SECOND));
    }

    #[test]
    fn a_timeout_is_the_callers_only_if_its_wait_made_the_difference() {
        let now = Instant::now();
        let upload = Upload::new(now);
        upload.wait(now);
        let end = now + SECOND;
        upload.end(|| end);
        let kept_waiting = |took: Duration, threshold| {
            was_kept_waiting(Some(&upload), nanos(took), end, threshold)
        };
        // The second that it waited for its caller took it past the threshold.
        assert!(kept_waiting(SECOND, 2 * SECOND));
        assert!(!kept_waiting(SECOND, SECOND), "the service had its time");
        assert!(!kept_waiting(SECOND / 2, 2 * SECOND), "it was early anyway");
        assert!(!was_kept_waiting(None, nanos(SECOND), end, 2 * SECOND));
    }
}
