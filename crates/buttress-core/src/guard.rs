use crate::Report;

/// An admission that is settled exactly once.
///
/// Settling records how the admitted attempt ended. A guard that is dropped unsettled was cancelled: the caller left,
/// which is neither a success nor a failure.
pub trait Guard {
    /// Records that the head of the response has arrived, and its outcome: `None` if the trailers have it. The call
    /// continues with a body, whose duration depends on the reader, so neither that nor a drop counts against the
    /// service.
    fn answered(&mut self, head: Option<&Report>) {
        let _ = head;
    }

    /// Records which side has to make progress in the body of the response, once the head has come. It is the reader's
    /// turn first.
    fn turn(&mut self, turn: Turn) {
        let _ = turn;
    }

    /// Ends the admission with the result of the attempt. Ending it again has no effect.
    // By reference, so that a guard need not be moved out of the future that holds it.
    fn settle(&mut self, report: Report);
}

/// Which side has to make progress for the next frame of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The reader, which has not polled for it. It may leave the body unread without bound.
    Reader,
    /// The service, which has been polled for it.
    Service,
}

impl Guard for () {
    fn settle(&mut self, _: Report) {}
}

/// Settles a guard as a failure if the code under watch panics.
///
/// It is created before the inner service is called or polled and [disarmed](Self::disarm) after, so that only a panic
/// of the inner service counts as a failure: a panic elsewhere in the task drops the future, which is a cancellation.
#[derive(Debug)]
pub struct PanicWatch<'a, G: Guard> {
    guard: &'a mut Option<G>,
}

impl<'a, G: Guard> PanicWatch<'a, G> {
    /// Watches `guard` until disarmed.
    pub fn new(guard: &'a mut Option<G>) -> Self {
        Self { guard }
    }

    /// The watched code returned: the guard stays unsettled.
    pub fn disarm(self) {
        std::mem::forget(self);
    }
}

impl<G: Guard> Drop for PanicWatch<'_, G> {
    fn drop(&mut self) {
        if let Some(mut guard) = self.guard.take() {
            guard.settle(Report::failure(crate::FailureKind::Error));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::{FailureKind, Outcome};

    struct Probe<'a>(&'a Cell<Option<Outcome>>);

    impl Guard for Probe<'_> {
        fn settle(&mut self, report: Report) {
            self.0.set(Some(report.outcome));
        }
    }

    #[test]
    fn a_panic_under_watch_is_a_failure() {
        let seen = Cell::new(None);
        let mut guard = Some(Probe(&seen));
        let result = catch_unwind(AssertUnwindSafe(|| {
            let _watch = PanicWatch::new(&mut guard);
            panic!("inner");
        }));
        assert!(result.is_err());
        assert_eq!(seen.get(), Some(Outcome::Failure(FailureKind::Error)));
        assert!(guard.is_none());
    }

    #[test]
    fn a_disarmed_watch_leaves_the_guard() {
        let seen = Cell::new(None);
        let mut guard = Some(Probe(&seen));
        PanicWatch::new(&mut guard).disarm();
        assert!(guard.is_some());
        assert_eq!(seen.get(), None);
    }
}
