use std::cell::Cell;

use crate::{Criticality, Deadline};

/// The context of a request in the task that serves it, from the layers of the server to those of the clients that its
/// handler calls, without an argument.
///
/// A server's layer [enters](Self::enter) it around every poll of the inner future. A spawned task has the context only
/// if it is passed on.
///
/// ```
/// use std::time::{Duration, Instant};
/// use buttress_core::{Deadline, TaskContext};
///
/// let deadline = Deadline::after(Instant::now(), Duration::from_secs(2));
/// let mut context = TaskContext::default().with_deadline(deadline);
/// context.enter(|| assert_eq!(Deadline::current(), deadline));
/// assert_eq!(Deadline::current(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TaskContext {
    deadline: Option<Deadline>,
    /// [`ENTERED`], [`RETRIES_SPENT`] and a [`CRITICALITY`], in a whole word: a context is copied at every poll.
    flags: usize,
}

/// Set in the context of a task, to distinguish it from no context.
const ENTERED: usize = 1;
/// Retries of a call that the task made have failed.
const RETRIES_SPENT: usize = 2;
/// The criticality of the task: one more than the index, or 0 if it has none.
const CRITICALITY: usize = 0b111 << CRITICALITY_SHIFT;
const CRITICALITY_SHIFT: u32 = 2;

thread_local! {
    static CURRENT: Cell<TaskContext> = const {
        Cell::new(TaskContext {
            deadline: None,
            flags: 0,
        })
    };
}

impl TaskContext {
    /// The context of the running task.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.get()
    }

    /// The same context with a deadline, or with none.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Option<Deadline>) -> Self {
        self.deadline = deadline;
        self
    }

    /// The deadline of the task.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    /// The same context with a criticality, or with none.
    #[must_use]
    pub fn with_criticality(mut self, criticality: Option<Criticality>) -> Self {
        let bits = criticality.map_or(0, |criticality| criticality.index() + 1);
        self.flags = self.flags & !CRITICALITY | bits << CRITICALITY_SHIFT;
        self
    }

    /// The criticality of the task, if it has one.
    #[must_use]
    pub fn criticality(&self) -> Option<Criticality> {
        let index = ((self.flags & CRITICALITY) >> CRITICALITY_SHIFT).checked_sub(1)?;
        Criticality::ALL.get(index).copied()
    }

    /// Whether retries of a call that the task made have failed, so that its caller should not retry as well.
    #[must_use]
    pub fn retries_are_spent(&self) -> bool {
        self.flags & RETRIES_SPENT != 0
    }

    /// Records that retries of a call of the running task have failed. Has no effect without a context.
    pub fn note_retries_spent() {
        let current = CURRENT.get();
        if current.flags & ENTERED != 0 {
            CURRENT.set(Self {
                flags: current.flags | RETRIES_SPENT,
                ..current
            });
        }
    }

    /// Runs a function in this context, and keeps what it recorded. The outer context is restored afterwards, also
    /// after a panic.
    #[inline]
    pub fn enter<R>(&mut self, run: impl FnOnce() -> R) -> R {
        CURRENT.with(|current| {
            let outer = current.get();
            self.flags |= ENTERED;
            current.set(*self);
            let _back = Entered {
                current,
                outer,
                flags: &mut self.flags,
            };
            run()
        })
    }
}

impl Deadline {
    /// The deadline of the running task, if a server's layer set one.
    #[must_use]
    pub fn current() -> Option<Self> {
        TaskContext::current().deadline
    }
}

impl Criticality {
    /// The criticality of the running task, if a server's layer set one.
    #[must_use]
    pub fn current() -> Option<Self> {
        TaskContext::current().criticality()
    }
}

/// Restores the outer context.
struct Entered<'a> {
    current: &'a Cell<TaskContext>,
    outer: TaskContext,
    flags: &'a mut usize,
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        let flags = self.current.get().flags;
        *self.flags = flags;
        // The outer context, if it is one, is that of the same request, so it knows as well: `ENTERED`, shifted,
        // is `RETRIES_SPENT`.
        self.outer.flags |= flags & (self.outer.flags << 1) & RETRIES_SPENT;
        self.current.set(self.outer);
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test needs some moment to begin at"
    )]
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::{Duration, Instant};

    use super::*;

    fn in_seconds(seconds: u64) -> Option<Deadline> {
        Deadline::after(Instant::now(), Duration::from_secs(seconds))
    }

    #[test]
    fn contexts_nest_and_come_back() {
        let (outer, inner) = (in_seconds(2), in_seconds(1));
        TaskContext::default().with_deadline(outer).enter(|| {
            TaskContext::current()
                .with_deadline(inner)
                .enter(|| assert_eq!(Deadline::current(), inner));
            assert_eq!(Deadline::current(), outer);
        });
        assert_eq!(TaskContext::current(), TaskContext::default());
    }

    #[test]
    fn criticality_nests_and_comes_back_beside_the_rest() {
        for outer in Criticality::ALL.map(Some).into_iter().chain([None]) {
            let mut context = TaskContext::default()
                .with_deadline(in_seconds(1))
                .with_criticality(Some(Criticality::Critical))
                .with_criticality(outer);
            context.enter(|| {
                let low = Some(Criticality::Low);
                TaskContext::current().with_criticality(low).enter(|| {
                    assert_eq!(Criticality::current(), low);
                    TaskContext::note_retries_spent();
                });
                assert_eq!(Criticality::current(), outer);
                assert!(Deadline::current().is_some());
            });
            assert!(context.retries_are_spent());
            assert_eq!(context.criticality(), outer);
        }
        assert_eq!(Criticality::current(), None);
    }

    #[test]
    fn a_panic_leaves_no_context_behind() {
        let mut context = TaskContext::default().with_deadline(in_seconds(1));
        let result = catch_unwind(AssertUnwindSafe(|| context.enter(|| panic!("inside"))));
        assert!(result.is_err());
        assert_eq!(TaskContext::current(), TaskContext::default());
    }

    #[test]
    fn what_is_noted_reaches_every_context_around() {
        let mut outer = TaskContext::default();
        outer.enter(|| {
            TaskContext::current().enter(TaskContext::note_retries_spent);
        });
        assert!(outer.retries_are_spent());
        assert!(!TaskContext::current().retries_are_spent());
    }

    #[test]
    fn a_note_outside_of_any_context_is_lost() {
        TaskContext::note_retries_spent();
        assert_eq!(TaskContext::current(), TaskContext::default());
    }
}
