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
/// The timer is polled with a waker of the slot, so it also ends a body that is not polled: the body is then dropped
/// on the thread that runs the timers of the runtime. The reader takes the body out to poll it, so that only the
/// timer's code runs under the lock. The body owns the timer and the timer's waker references the slot, so the reader
/// must [clear](Self::clear) the slot when it is dropped.
pub(crate) struct Slot<B> {
    /// The body while it is not being polled, and the timer's message for the reader.
    state: Mutex<State<B>>,
    /// How often the timer has fired since its current poll started: a timer may fire while it is being set.
    fire_count: AtomicUsize,
}

struct State<B> {
    held: Option<Pin<Box<Held<B>>>>,
    /// Whether the timer fired while the reader had the body.
    has_fired: bool,
    /// The error with which the timer ended the body, until the reader has taken it.
    ended: Option<Rejection>,
}

/// A body and its timer.
#[pin_project]
pub(crate) struct Held<B> {
    #[pin]
    pub(crate) body: B,
    /// `None` once no timeout applies.
    pub(crate) tail: Option<Tail>,
    #[pin]
    timer: Timer,
    /// The time that the timer is set for.
    set_for: Option<Instant>,
    /// The waker of the reader, while it waits for a frame.
    pub(crate) reader: Option<Waker>,
}

/// What the reader finds in the slot.
pub(crate) enum Found<B> {
    Body(Pin<Box<Held<B>>>),
    /// The body timed out.
    Ended(Rejection),
    /// A panic dropped the body.
    Nothing,
}

impl<B: Send + 'static> Slot<B> {
    /// Creates a slot with a body.
    pub(crate) fn hold(body: B, tail: Tail) -> Arc<Self> {
        let slot = Arc::new(Self {
            state: Mutex::new(State {
                held: None,
                has_fired: false,
                ended: None,
            }),
            fire_count: AtomicUsize::new(0),
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

    /// Puts the body back. If it has timed out, it is dropped instead, and the error is returned.
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
            if !mem::take(&mut state.has_fired) {
                state.held = Some(held);
                return None;
            }
            drop(state);
            *held.as_mut().project().set_for = None;
        }
    }

    /// Sets the timer for when the body times out, unless it is set. Ready if that is now.
    fn set_timer(self: &Arc<Self>, held: Pin<&mut Held<B>>) -> Poll<()> {
        let held = held.project();
        let Some(due) = held.tail.as_ref().and_then(Tail::due) else {
            return Poll::Pending;
        };
        // A timer that is set for an earlier time fires then, and is set again.
        if held.set_for.is_some_and(|at| at <= due) {
            return Poll::Pending;
        }
        let waker = Waker::from(Arc::clone(self));
        let mut timer = held.timer;
        let polled = timer.as_mut().poll(due, &mut Context::from_waker(&waker));
        *held.set_for = (polled.is_pending() && timer.is_set()).then_some(due);
        polled
    }

    /// Handles the timer.
    fn on_timer(self: &Arc<Self>) {
        let mut state = self.lock();
        let Some(held) = &mut state.held else {
            state.has_fired = true;
            return;
        };
        let Some(due) = held.tail.as_ref().and_then(Tail::due) else {
            return;
        };
        let now = now();
        let was_set_for = held.as_mut().project().set_for.take();
        if now < due {
            // A runtime that shuts down fires all timers, and has no others.
            let is_early = was_set_for.is_none_or(|at| now < at);
            if is_early || self.set_timer(held.as_mut()).is_pending() {
                return;
            }
        }
        let Some(tail) = held.as_mut().project().tail.take() else {
            return;
        };
        let Some(rejection) = tail.rejection() else {
            // The body continues, without any timeout.
            drop(state);
            return tail.tell();
        };
        let reader = held.as_mut().project().reader.take();
        let held = state.held.take();
        state.ended = Some(rejection);
        drop(state);
        tail.tell();
        catch_panic(|| Ending::Expired.during(|| drop(held)));
        catch_panic(|| reader.map_or((), Waker::wake));
    }
}

impl<B> Slot<B> {
    /// Drops the body, because its reader was dropped.
    pub(crate) fn clear(&self) {
        let held = self.lock().held.take();
        drop(held);
    }

    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Held<B> {
    /// The error of a body that timed out; `None` if it continues without a timeout.
    fn end(self: Pin<&mut Self>) -> Option<Rejection> {
        let tail = self.project().tail.take()?;
        tail.tell();
        tail.rejection()
    }
}

impl<B: Send + 'static> Wake for Slot<B> {
    fn wake(self: Arc<Self>) {
        let mut fire_count = self.fire_count.fetch_add(1, Ordering::AcqRel) + 1;
        if fire_count > 1 {
            return;
        }
        loop {
            catch_panic(|| self.on_timer());
            let done = self.fire_count.compare_exchange(
                fire_count,
                0,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match done {
                Ok(_) => return,
                Err(more) => fire_count = more,
            }
        }
    }
}

impl<B> fmt::Debug for Slot<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

/// Runs foreign code, and catches a panic that would stop the runtime's timers.
fn catch_panic(run: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(run));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use buttress_core::{Mode, Striped};

    use super::*;
    use crate::deadline_timer::DeadlineTimer;
    use crate::limits::Limits;
    use crate::settings::{Label, Settings};

    const MS: Duration = Duration::from_millis(1);

    fn slot(mode: Mode, limits: Limits, timeout: Duration) -> Arc<Slot<&'static str>> {
        let label = Arc::new(Label::new("test".into()));
        let settings = Striped::new(Settings::new(&label, mode, limits, None));
        let watch = DeadlineTimer {
            settings: settings.lease(),
            deadline: now().checked_add(timeout),
            head: None,
            binds: mode == Mode::Enforce,
        };
        Slot::hold("body", watch.tail().expect("there is a deadline"))
    }

    fn take(slot: &Slot<&'static str>) -> Pin<Box<Held<&'static str>>> {
        match slot.take() {
            Found::Body(held) => held,
            Found::Ended(_) | Found::Nothing => panic!("the body is in the slot"),
        }
    }

    /// As while the reader polls the body on another thread.
    #[tokio::test(start_paused = true)]
    async fn a_body_is_ended_when_it_is_put_back_after_the_timer() {
        for (mode, ends) in [(Mode::Enforce, true), (Mode::Shadow, false)] {
            let slot = slot(mode, Limits::default(), 10 * MS);
            let held = take(&slot);
            tokio::time::sleep(20 * MS).await;
            assert!(slot.lock().has_fired);
            assert_eq!(slot.put(held, false).is_some(), ends, "{mode}");
            assert_eq!(matches!(slot.take(), Found::Body(_)), !ends, "{mode}");
        }
    }

    /// When the timer fires for the first time, it is set again, because a frame has arrived.
    #[tokio::test(start_paused = true)]
    async fn a_timer_that_fired_too_early_is_set_again() {
        for is_lent in [false, true] {
            let limits = Limits {
                body_idle: Some(10 * MS),
                ..Limits::default()
            };
            let slot = slot(Mode::Enforce, limits, 1_000 * MS);
            tokio::time::sleep(6 * MS).await;
            let mut held = take(&slot);
            let tail = held.as_mut().project().tail.as_mut();
            assert!(!tail.expect("the body has a timer").is_late());
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
    async fn a_cleared_slot_is_freed() {
        let slot = slot(Mode::Enforce, Limits::default(), 10 * MS);
        assert!(
            Arc::strong_count(&slot) > 1,
            "the timer references the slot"
        );
        slot.clear();
        assert_eq!(Arc::strong_count(&slot), 1);
    }
}
