use std::cell::LazyCell;
use std::task::{Poll, Waker};
use std::time::Instant;

use super::call::Begun;
use super::{Admission, Call, LENIENT, OFF, Permit, Place, Refusal, Shed, THROTTLED, WATCHED};
use crate::bulkhead;
use crate::queue::{Dropped, Terms};
use crate::sync::Ordering;
use crate::{Criticality, Mode, Reason};

impl Shed {
    /// A place, if one is at hand and there is nothing else to ask. If not, [`admit`](Self::admit) finds out what
    /// becomes of the call.
    #[inline]
    pub fn try_admit(&self, now: impl FnOnce() -> Instant) -> Option<Permit> {
        if self.flags() & (OFF | THROTTLED | WATCHED) != 0 {
            return None;
        }
        let place = self.gate.try_acquire()?;
        Some(self.begin(place, false, false, now))
    }

    /// What becomes of a call.
    ///
    /// `draw` is who it is, for a [mode](Mode) that binds for some, or else random; it is asked for only where it
    /// matters.
    #[cold]
    #[inline(never)]
    pub fn admit(
        &self,
        call: Call,
        draw: impl FnOnce() -> u64,
        now: impl Fn() -> Instant,
    ) -> Admission {
        let flags = self.flags();
        // One for all: what binds here must not be let in there.
        let drawn = LazyCell::new(draw);
        let draw = || *drawn;
        let mut refusal = None;
        let mut throttled = false;
        if flags & OFF == 0 {
            if flags & WATCHED != 0 && self.is_short_for(call.criticality) {
                refusal = Some(Refusal {
                    reason: Reason::ResourceExhausted,
                    retry_after: self.hints.retry_after(0, draw()),
                });
            } else if flags & THROTTLED != 0 {
                match self.throttle.admit(now()) {
                    Ok(()) => throttled = true,
                    Err(after) => {
                        refusal = Some(Refusal {
                            reason: Reason::ClientThrottled,
                            retry_after: Some(after),
                        });
                    }
                }
            }
        }
        let Some(refusal) = refusal else {
            return self.seek_place(call, throttled, draw, now);
        };
        if flags & LENIENT == 0 || self.mode().binds(draw) {
            return Admission::Rejected(refusal);
        }
        match self.seek_place(call, throttled, draw, now) {
            Admission::Admitted { permit, .. } => Admission::Admitted {
                permit,
                would_reject: Some(refusal.reason),
            },
            other => other,
        }
    }

    /// What became of a wait, or nothing yet: then `waker` is woken when something does.
    pub fn poll(
        &self,
        place: &Place,
        waker: &Waker,
        draw: impl FnOnce() -> u64,
        now: impl FnOnce() -> Instant,
    ) -> Poll<Result<Permit, Refusal>> {
        let Poll::Ready(verdict) = place.place.poll(waker) else {
            return Poll::Pending;
        };
        self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
        Poll::Ready(match verdict {
            bulkhead::Verdict::Admitted(permit) => {
                Ok(self.begin(permit, true, place.throttled, now))
            }
            bulkhead::Verdict::Dropped(why) => Err(self.drop_out(place, why, draw, now)),
        })
    }

    /// Gives up waiting, if it is [time](Place::gives_up): why, unless there is a verdict already.
    pub fn give_up(
        &self,
        place: &Place,
        draw: impl FnOnce() -> u64,
        now: Instant,
    ) -> Option<Refusal> {
        let why = self.gate.give_up(&place.place, now)?;
        self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(self.drop_out(place, why, draw, || now))
    }

    /// Ends a wait whose caller went away. What it was given meanwhile goes to whoever is next.
    #[cold]
    pub fn leave(&self, place: Place, now: impl Fn() -> Instant) {
        self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
        if place.throttled {
            self.throttle.withdraw(now());
        }
        self.gate.leave(place.place, now);
    }

    fn seek_place(
        &self,
        call: Call,
        throttled: bool,
        draw: impl Fn() -> u64,
        now: impl Fn() -> Instant,
    ) -> Admission {
        let terms = || Terms {
            criticality: call.criticality,
            deadline: call.deadline,
        };
        let at_hand = self.gate.try_acquire();
        let admission = match at_hand {
            Some(permit) => bulkhead::Admission::Admitted {
                permit,
                would_reject: None,
            },
            None => self.gate.acquire(&draw, terms, &now),
        };
        match admission {
            bulkhead::Admission::Admitted {
                permit,
                would_reject,
            } => Admission::Admitted {
                permit: self.begin(permit, false, throttled, now),
                would_reject: would_reject.map(limit_reached),
            },
            bulkhead::Admission::Rejected(reason) => {
                if throttled {
                    self.throttle.withdraw(now());
                }
                Admission::Rejected(self.refusal(limit_reached(reason), draw))
            }
            bulkhead::Admission::Waiting(place) => {
                self.counts.waiting.fetch_add(1, Ordering::Relaxed);
                Admission::Waiting(Place { place, throttled })
            }
        }
    }

    #[inline]
    fn begin(
        &self,
        place: bulkhead::Permit,
        waited: bool,
        throttled: bool,
        now: impl FnOnce() -> Instant,
    ) -> Permit {
        let begun = (self.flags() & OFF == 0).then(|| {
            let in_flight = self.counts.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
            Begun {
                at: now(),
                in_flight,
                at_limit: waited || in_flight >= self.limit.limit(),
                answered_after: None,
            }
        });
        Permit {
            place,
            begun,
            throttled,
        }
    }

    fn drop_out(
        &self,
        place: &Place,
        why: Dropped,
        draw: impl FnOnce() -> u64,
        now: impl FnOnce() -> Instant,
    ) -> Refusal {
        if place.throttled {
            self.throttle.withdraw(now());
        }
        self.refusal(why.reason(), draw)
    }

    fn refusal(&self, reason: Reason, draw: impl FnOnce() -> u64) -> Refusal {
        // A caller who has no time left has none to come back either.
        let is_worth_it = reason != Reason::DeadlineTooShort;
        let waiting = self.counts.waiting.load(Ordering::Relaxed);
        Refusal {
            reason,
            retry_after: is_worth_it
                .then(|| self.hints.retry_after(waiting, draw()))
                .flatten(),
        }
    }

    fn is_short_for(&self, criticality: Criticality) -> bool {
        (criticality.index() as u64) < self.hot.least.load(Ordering::Relaxed)
    }

    fn mode(&self) -> Mode {
        crate::sync::lock(&self.locked).config.mode
    }
}

/// What a bulkhead calls full is a limit here.
fn limit_reached(reason: Reason) -> Reason {
    match reason {
        Reason::BulkheadFull => Reason::LimitReached,
        other => other,
    }
}
