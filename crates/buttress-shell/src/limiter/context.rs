use buttress_core::TaskContext;

/// The task context of a call, and the protocol that reads its result.
#[derive(Debug)]
pub struct CallContext<P, T> {
    /// Reads the result.
    pub protocol: P,
    /// The task context for the calls that the service makes, see [`Enter`].
    pub task: T,
}

/// A task context for the calls that a service makes, or none, which compiles to nothing.
pub trait Enter {
    /// Runs code in the context, with an argument: a closure would copy what it captures.
    fn enter<A, R>(&mut self, argument: A, run: impl FnOnce(A) -> R) -> R;
}

/// The current task context.
impl Enter for () {
    #[inline(always)]
    fn enter<A, R>(&mut self, argument: A, run: impl FnOnce(A) -> R) -> R {
        run(argument)
    }
}

/// The task context, if it differs from the current one.
impl Enter for Option<TaskContext> {
    #[inline]
    fn enter<A, R>(&mut self, argument: A, run: impl FnOnce(A) -> R) -> R {
        match self {
            Some(context) => context.enter(|| run(argument)),
            None => run(argument),
        }
    }
}
