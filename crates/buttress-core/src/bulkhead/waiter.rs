use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Instant;

use super::Permit;
use super::owner::Owner;
use crate::queue::{Dropped, Ticket};
use crate::sync::{Mutex, lock};

/// A waiter in the queue of a bulkhead. A caller that stops waiting must [leave](super::Bulkhead::leave).
#[derive(Debug)]
#[must_use = "a waiter that does not leave keeps its room in the queue"]
pub struct Waiter {
    pub(super) cell: Arc<WaitCell>,
    pub(super) ticket: Ticket,
    /// Whether it waits ahead of a call.
    pub(super) ahead: bool,
    pub(super) claim: Owner,
    pub(super) expires_at: Option<(Instant, Dropped)>,
}

/// The result of a wait.
#[derive(Debug)]
#[must_use = "it may hold a permit"]
pub enum Verdict {
    /// The call is admitted.
    Admitted(Permit),
    /// The wait ended without a permit.
    Dropped(Dropped),
}

impl Waiter {
    /// Polls the wait. If pending, `waker` is woken when there is a result.
    pub fn poll(&self, waker: &Waker) -> Poll<Verdict> {
        self.cell.poll(waker)
    }

    /// When to [expire](super::Bulkhead::expire) the waiter. `None` for never.
    #[must_use]
    pub fn expires_at(&self) -> Option<Instant> {
        let (at, _) = self.expires_at?;
        Some(at)
    }

    /// When all waiting for the call ends, and why. That includes the wait for the service to become ready.
    #[must_use]
    pub fn ends(&self) -> Option<(Instant, Dropped)> {
        self.expires_at
    }
}

/// The state shared between a waiter and the thread that admits it.
#[derive(Default)]
pub(super) struct WaitCell(Mutex<State>);

enum State {
    Waiting(Option<Waker>),
    Ready(Verdict),
    /// The result was read, or the caller left before there was one.
    Left,
}

impl Default for State {
    fn default() -> Self {
        Self::Waiting(None)
    }
}

impl WaitCell {
    /// Sets the result of the wait. If the caller has left, the result is returned, with any permit in it.
    pub(super) fn set(&self, verdict: Verdict) -> Result<(), Verdict> {
        let mut state = lock(&self.0);
        let State::Waiting(waker) = &mut *state else {
            return Err(verdict);
        };
        let waker = waker.take();
        *state = State::Ready(verdict);
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    fn poll(&self, waker: &Waker) -> Poll<Verdict> {
        let mut state = lock(&self.0);
        match mem::replace(&mut *state, State::Left) {
            State::Ready(verdict) => Poll::Ready(verdict),
            State::Waiting(Some(known)) if known.will_wake(waker) => {
                *state = State::Waiting(Some(known));
                Poll::Pending
            }
            State::Waiting(old) => {
                *state = State::Waiting(Some(waker.clone()));
                drop(state);
                drop(old);
                Poll::Pending
            }
            State::Left => Poll::Pending,
        }
    }

    /// Ends the wait, and returns an unused permit.
    pub(super) fn leave(&self) -> Option<Permit> {
        let state = mem::replace(&mut *lock(&self.0), State::Left);
        match state {
            State::Ready(Verdict::Admitted(permit)) => Some(permit),
            _ => None,
        }
    }
}

impl fmt::Debug for WaitCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WaitCell")
    }
}
