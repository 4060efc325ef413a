//! Which outcome counts when a call ends without a response, or late: one definition for all rules.
//!
//! A service is judged by what it did, never by what its callers or readers do.
//!
//! | the call | what it says about the service |
//! |---|---|
//! | is dropped after the head of its answer came | nothing, however long the body took: that is its reader's pace |
//! | times out after the head, by its error or its trailers | nothing, for the same reason |
//! | is a probe of a circuit, and is dropped or times out after the head | it has succeeded: it tests whether there is a response |
//! | is dropped before the head, because its caller went away | nothing |
//! | is dropped before the head, [by its deadline](crate::Ending::Expired), after at least the *patience* | a timeout |
//! | is dropped before the head, by its deadline, sooner | nothing: its caller allowed it less than calls take |
//! | fails with a timeout although its caller allowed it less than the patience | nothing, for the same reason |
//! | has a slow body | nothing: the latency of a call is the time to its head |
//! | waits for the body of its request | as much less: that is [its caller's](crate::Upload) time, and no call is slow or timed out by it |
//! | is answered while more of its request may come, after it waited for that | not how long calls take: unknown |
//! | fails after its caller broke the request off | nothing |
//!
//! What its caller allowed a call is the deadline of its task, and what [the request itself
//! says](crate::Identify::caller_deadline).
//!
//! The patience is the configured timeout, or else the usual latency of answered calls. Without it a single
//! caller with deadlines of a millisecond could open a circuit, or lower a limit, for all others.

use std::time::{Duration, Instant};

use crate::time::nanos;
use crate::{Deadline, Ending, Upload};

/// A call that was dropped before it ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropped {
    pub(crate) ending: Ending,
    /// Whether the head of its answer had come.
    pub(crate) answered: bool,
    pub(crate) took: Duration,
}

impl Dropped {
    /// Whether it timed out, and the service is to blame for that.
    pub(crate) fn is_timeout(self, patience: Duration) -> bool {
        self.ending == Ending::Expired && !self.answered && self.took >= patience
    }
}

/// Whether a call that timed out had less than `patience` to itself, and would have had it without the wait for its
/// caller. A timeout is then the caller's.
pub(crate) fn was_kept_waiting(
    upload: Option<&Upload>,
    took: u64,
    now: Instant,
    patience: Duration,
) -> bool {
    let patience = nanos(patience);
    let waited = upload.map_or(0, |upload| nanos(upload.waited(now)));
    took < patience && took.saturating_add(waited) >= patience
}

/// Whether a call that began then was allowed less than `patience` by its deadline. A timeout is then the caller's.
pub(crate) fn was_cut_short(
    deadline: Option<Deadline>,
    began: Instant,
    patience: Duration,
) -> bool {
    deadline.is_some_and(|deadline| deadline.remaining(began) < patience)
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
        let kept_waiting =
            |took: Duration, patience| was_kept_waiting(Some(&upload), nanos(took), end, patience);
        // The second that it waited for its caller took it past its patience.
        assert!(kept_waiting(SECOND, 2 * SECOND));
        assert!(!kept_waiting(SECOND, SECOND), "the service had its time");
        assert!(!kept_waiting(SECOND / 2, 2 * SECOND), "it was early anyway");
        assert!(!was_kept_waiting(None, nanos(SECOND), end, 2 * SECOND));
    }
}
