//! A fair semaphore with a waiting line, and the ways to get one wrong.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// What is wrong with a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A slot that was assigned to a waiter that left is free, but no waiter is woken.
    ForgetsToPassOn,
    /// A slot that was assigned to a waiter that left is freed twice.
    FreesTwice,
    /// Growing wakes no waiter.
    GrowsSilently,
    /// A waiter that left stays in the line until its turn.
    KeepsTheDead,
    /// Remembers only the task that polled first.
    KeepsTheFirstWaker,
    /// One more than the capacity gets in.
    OneTooMany,
    /// A waiter that leaves the line changes the order.
    Reorders,
    /// Serves callers that wait for readiness when no other waits.
    ServesReadinessLast,
    /// Serves the newest first. That is no fault where it is declared.
    ServesTheNewest,
    /// A waiter wakes itself until it is its turn.
    Spins,
    /// A free slot wakes all waiters.
    WakesEverybody,
}

#[derive(Debug)]
pub(crate) struct Queue {
    fault: Option<Fault>,
    line: Mutex<Line>,
}

#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) capacity: usize,
    pub(crate) inside: usize,
    waiting: VecDeque<Arc<Ticket>>,
    /// The callers that wait for readiness, where they are served only when no other waits.
    last: VecDeque<Arc<Ticket>>,
}

#[derive(Debug, Default)]
struct Ticket(Mutex<(bool, Option<Waker>)>);

/// A slot inside, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Queue>);

/// A request for a slot.
#[derive(Debug)]
pub(crate) struct Wait {
    queue: Arc<Queue>,
    ticket: Option<Arc<Ticket>>,
    in_readiness: bool,
}

impl Queue {
    pub(crate) fn new(capacity: usize, fault: Option<Fault>) -> Arc<Self> {
        Arc::new(Self {
            fault,
            line: Mutex::new(Line {
                capacity,
                inside: 0,
                waiting: VecDeque::new(),
                last: VecDeque::new(),
            }),
        })
    }

    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut Line) -> T) -> T {
        f(&mut self.line.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn resize(&self, capacity: usize) {
        let wakers = self.with(|line| {
            line.capacity = capacity;
            match self.fault {
                Some(Fault::GrowsSilently) => Vec::new(),
                _ => line.grant(self.fault),
            }
        });
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn enter(self: &Arc<Self>) -> Option<Place> {
        let fault = self.fault;
        self.with(|line| line.enter(fault))
            .then(|| Place(Arc::clone(self)))
    }

    pub(crate) fn wait(self: &Arc<Self>) -> Wait {
        Wait {
            queue: Arc::clone(self),
            ticket: None,
            in_readiness: false,
        }
    }

    /// The same of a caller that waits in `poll_ready`.
    pub(crate) fn wait_in_readiness(self: &Arc<Self>) -> Wait {
        let mut wait = self.wait();
        wait.in_readiness = true;
        wait
    }

    fn leave(&self) {
        let wakers = self.with(|line| {
            line.inside = line.inside.saturating_sub(1);
            line.grant(self.fault)
        });
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Line {
    fn enter(&mut self, fault: Option<Fault>) -> bool {
        let room = self.capacity + usize::from(fault == Some(Fault::OneTooMany));
        let barging = fault == Some(Fault::WakesEverybody);
        let no_waiters = self.waiting.is_empty() && self.last.is_empty();
        let enters = self.inside < room && (barging || no_waiters);
        self.inside += usize::from(enters);
        enters
    }

    /// Assigns free slots to waiters, and returns the wakers to call.
    fn grant(&mut self, fault: Option<Fault>) -> Vec<Waker> {
        if fault == Some(Fault::WakesEverybody) {
            let tickets = self.waiting.drain(..);
            return tickets
                .filter_map(|ticket| ticket.with(|(_, waker)| waker.take()))
                .collect();
        }
        let mut wakers = Vec::new();
        while self.inside < self.capacity {
            let next = match fault {
                Some(Fault::ServesTheNewest) => self.waiting.pop_back(),
                _ => self.waiting.pop_front(),
            };
            let Some(ticket) = next.or_else(|| self.last.pop_front()) else {
                break;
            };
            // Only waiters hold their ticket too.
            if Arc::strong_count(&ticket) > 1 {
                self.inside += 1;
                wakers.extend(ticket.with(|(granted, waker)| {
                    *granted = true;
                    waker.take()
                }));
            }
        }
        wakers
    }
}

impl Ticket {
    fn with<T>(&self, f: impl FnOnce(&mut (bool, Option<Waker>)) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Wait {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Place> {
        let fault = self.queue.fault;
        let place = || Poll::Ready(Place(Arc::clone(&self.queue)));
        let queued = self
            .ticket
            .as_ref()
            .filter(|_| fault != Some(Fault::WakesEverybody));
        if let Some(ticket) = queued {
            if ticket.with(|(granted, _)| *granted) {
                let place = place();
                self.ticket = None;
                return place;
            }
        } else if self.queue.with(|line| line.enter(fault)) {
            let place = place();
            self.ticket = None;
            return place;
        } else {
            let ticket = Arc::new(Ticket::default());
            let last = self.in_readiness && fault == Some(Fault::ServesReadinessLast);
            self.queue.with(|line| {
                let line = if last {
                    &mut line.last
                } else {
                    &mut line.waiting
                };
                line.push_back(Arc::clone(&ticket));
            });
            self.ticket = Some(ticket);
        }
        if let Some(ticket) = &self.ticket {
            ticket.with(|(_, waker)| {
                if waker.is_none() || fault != Some(Fault::KeepsTheFirstWaker) {
                    *waker = Some(cx.waker().clone());
                }
            });
        }
        if fault == Some(Fault::Spins) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Wait {
    /// Its turn, which is not its own any more.
    pub(crate) fn take(&mut self) -> Self {
        Self {
            queue: Arc::clone(&self.queue),
            ticket: self.ticket.take(),
            in_readiness: self.in_readiness,
        }
    }

    pub(crate) fn is_in_line(&self) -> bool {
        self.ticket.is_some()
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let (queue, fault) = (&self.queue, self.queue.fault);
        if ticket.with(|(granted, _)| *granted) {
            match fault {
                Some(Fault::ForgetsToPassOn) => queue.with(|line| line.inside -= 1),
                Some(Fault::FreesTwice) => {
                    queue.leave();
                    queue.leave();
                }
                _ => queue.leave(),
            }
            return;
        }
        if fault == Some(Fault::KeepsTheDead) {
            return;
        }
        queue.with(|line| {
            line.last.retain(|waiting| !Arc::ptr_eq(waiting, &ticket));
            let at = line
                .waiting
                .iter()
                .position(|waiting| Arc::ptr_eq(waiting, &ticket));
            match at {
                Some(at) if fault == Some(Fault::Reorders) => line.waiting.swap_remove_back(at),
                Some(at) => line.waiting.remove(at),
                None => None,
            }
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.leave();
    }
}
