use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use buttress_core::{Ending, Rejection};
use buttress_shell::{Timer, now};
use pin_project::pin_project;

use crate::deadline_timer::Tail;

/// A body between its reader and its timer.
///
/// The timer is polled with a waker of the slot's own, so it also ends a body that is not polled: the body is then
/// dropped where the runtime runs its timers. The reader takes the body out to poll it, so that no code but the timer's
/// runs under the lock. The body owns the timer, and the timer holds the slot by its waker, so the reader has to
/// [clear](Self::clear) the slot when it is dropped.
pub(crate) struct Slot<B> {
    /// The body while it is not being polled, and the timer's message for the reader.
    state: Mutex<State<B>>,
    /// How often the timer has fired since the current poll of it began: a timer may fire while it is being set, from
    /// within.
    rings: AtomicUsize,
}

struct State<B> {
    held: Option<Pin<Box<Held<B>>>>,
    /// Whether the timer went off while the reader had the body.
    rung: bool,
    /// What the timer ended the body with, until the reader has got it.
    ended: Option<Rejection>,
}

/// A body, and what ends it.
#[pin_project]
pub(crate) struct Held<B> {
    #[pin]
    pub(crate) body: B,
    /// `None` once nothing binds the body any more.
    pub(crate) tail: Option<Tail>,
    #[pin]
    timer: Timer,
    /// The time for which the timer is set.
    set_for: Option<Instant>,
    /// The reader, while it waits for a frame.
    pub(crate) reader: Option<Waker>,
}

/// What the reader finds.
pub(crate) enum Found<B> {
    Body(Pin<Box<Held<B>>>),
    /// Its time was over.
    Ended(Rejection),
    /// A panic took the body along.
    Nothing,
}

impl<B: Send + 'static> Slot<B> {
    /// Holds a body from now on.
    pub(crate) fn hold(body: B, tail: Tail) -> Arc<Self> {
        let slot = Arc::new(Self {
            state: Mutex::new(State {
                held: None,
                rung: false,
                ended: None,
            }),
            rings: AtomicUsize::new(0),
        });
        let held = Held {
            body,
            tail: Some(tail),
            timer: Timer::default(),
            set_for: None,
            reader: None,
        };
        let ended = slot.put(Box::pin(held), false);
        if ended.is_some() {
            slot.lock().ended = ended;
        }
        slot
    }

    /// Takes the body out, for its reader.
    pub(crate) fn take(&self) -> Found<B> {
        let mut state = self.lock();
        match state.held.take() {
            Some(held) => Found::Body(held),
            None => state.ended.take().map_or(Found::Nothing, Found::Ended),
        }
    }

    /// Puts the body back. If its time is over, it is dropped instead, and this is what it ends with.
    pub(crate) fn put(
        self: &Arc<Self>,
        mut held: Pin<Box<Held<B>>>,
        is_late: bool,
    ) -> Option<Rejection> {
        loop {
            if (is_late || self.set_timer(held.as_mut()).is_ready())
                && let Some(rejection) = held.as_mut().end()
            {
                Ending::Expired.during(|| drop(held));
                return Some(rejection);
            }
            let mut state = self.lock();
            if !mem::take(&mut state.rung) {
                state.held = Some(held);
                return None;
            }
            drop(state);
            *held.as_mut().project().set_for = None;
        }
    }

    /// Sets the timer for when the body is due, unless that is done. Ready if the body is due now.
    fn set_timer(self: &Arc<Self>, held: Pin<&mut Held<B>>) -> Poll<()> {
        let held = held.project();
        let Some(due) = held.tail.as_ref().and_then(Tail::due) else {
            return Poll::Pending;
        };
        // A timer that is set for an earlier time goes off, and is set again then.
        if held.set_for.is_some_and(|at| at <= due) {
            return Poll::Pending;
        }
        let waker = Waker::from(Arc::clone(self));
        let mut timer = held.timer;
        let polled = timer.as_mut().poll(due, &mut Context::from_waker(&waker));
        *held.set_for = (polled.is_pending() && timer.is_set()).then_some(due);
        polled
    }

    /// The timer went off.
    fn ring(self: &Arc<Self>) {
        let mut state = self.lock();
        let Some(held) = &mut state.held else {
            state.rung = true;
            return;
        };
        let Some(due) = held.tail.as_ref().and_then(Tail::due) else {
            return;
        };
        let now = now();
        let was_set_for = held.as_mut().project().set_for.take();
        if now < due {
            // The runtime shuts down, which sets off all timers, and has no others.
            let is_early = was_set_for.is_none_or(|at| now < at);
            if is_early || self.set_timer(held.as_mut()).is_pending() {
                return;
            }
        }
        let Some(tail) = held.as_mut().project().tail.take() else {
            return;
        };
        let Some(rejection) = tail.rejection() else {
            // The body goes on, and nothing binds it any more.
            drop(state);
            return tail.tell();
        };
        let reader = held.as_mut().project().reader.take();
        let held = state.held.take();
        state.ended = Some(rejection);
        drop(state);
        tail.tell();
        quietly(|| Ending::Expired.during(|| drop(held)));
        quietly(|| reader.map_or((), Waker::wake));
    }
}

impl<B> Slot<B> {
    /// Drops the body: its reader has gone.
    pub(crate) fn clear(&self) {
        let held = self.lock().held.take();
        drop(held);
    }

    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Held<B> {
    /// What the body ends with now that it is due; `None` if it goes on, and nothing binds it any more.
    fn end(self: Pin<&mut Self>) -> Option<Rejection> {
        let tail = self.project().tail.take()?;
        tail.tell();
        tail.rejection()
    }
}

impl<B: Send + 'static> Wake for Slot<B> {
    fn wake(self: Arc<Self>) {
        let mut rings = self.rings.fetch_add(1, Ordering::AcqRel) + 1;
        if rings > 1 {
            return;
        }
        loop {
            quietly(|| self.ring());
            let done = self
                .rings
                .compare_exchange(rings, 0, Ordering::AcqRel, Ordering::Acquire);
            match done {
                Ok(_) => return,
                Err(more) => rings = more,
            }
        }
    }
}

impl<B> fmt::Debug for Slot<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

/// Runs code of others where a panic would take the runtime's timers along.
fn quietly(run: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(run));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use buttress_core::{Mode, Striped};

    use super::*;
    use crate::deadline_timer::DeadlineTimer;
    use crate::limits::Limits;
    use crate::shared::Shared;

    const MS: Duration = Duration::from_millis(1);

    fn slot(mode: Mode, limits: Limits, timeout: Duration) -> Arc<Slot<&'static str>> {
        let shared = Striped::new(Shared::new("test".into(), mode, limits, None));
        let watch = DeadlineTimer {
            shared: shared.lease(),
            deadline: now().checked_add(timeout),
            head: None,
            binds: mode == Mode::Enforce,
        };
        Slot::hold("body", watch.tail().expect("there is a deadline"))
    }

    fn take(slot: &Slot<&'static str>) -> Pin<Box<Held<&'static str>>> {
        match slot.take() {
            Found::Body(held) => held,
            Found::Ended(_) | Found::Nothing => panic!("it is there"),
        }
    }

    /// As while the reader polls it on another thread.
    #[tokio::test(start_paused = true)]
    async fn a_timer_that_finds_no_body_ends_it_when_it_is_put_back() {
        for (mode, ends) in [(Mode::Enforce, true), (Mode::Shadow, false)] {
            let slot = slot(mode, Limits::default(), 10 * MS);
            let held = take(&slot);
            tokio::time::sleep(20 * MS).await;
            assert!(slot.lock().rung);
            assert_eq!(slot.put(held, false).is_some(), ends, "{mode}");
            assert_eq!(matches!(slot.take(), Found::Body(_)), !ends, "{mode}");
        }
    }

    /// The first time it goes off it is set again, for the frame that came meanwhile.
    #[tokio::test(start_paused = true)]
    async fn a_timer_that_went_off_too_early_is_set_again() {
        for is_lent in [false, true] {
            let limits = Limits {
                body_idle: Some(10 * MS),
                ..Limits::default()
            };
            let slot = slot(Mode::Enforce, limits, 1_000 * MS);
            tokio::time::sleep(6 * MS).await;
            let mut held = take(&slot);
            let tail = held.as_mut().project().tail.as_mut();
            assert!(!tail.expect("it is watched").is_late());
            if is_lent {
                tokio::time::sleep(8 * MS).await;
                assert!(slot.put(held, false).is_none());
            } else {
                assert!(slot.put(held, false).is_none());
                tokio::time::sleep(8 * MS).await;
            }
            assert!(slot.lock().held.is_some());
            tokio::time::sleep(4 * MS).await;
            assert!(matches!(slot.take(), Found::Ended(_)), "{is_lent}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_left_of_a_slot_that_is_cleared() {
        let slot = slot(Mode::Enforce, Limits::default(), 10 * MS);
        assert!(Arc::strong_count(&slot) > 1, "the timer knows it");
        slot.clear();
        assert_eq!(Arc::strong_count(&slot), 1);
    }
}
