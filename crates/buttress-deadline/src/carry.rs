use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use buttress_core::TaskContext;
use pin_project::pin_project;

/// Gives a future the deadline of the current task, for when another task polls it.
///
/// ```
/// use buttress_deadline::{Deadline, carry};
/// # use buttress_core::TaskContext;
/// # use std::time::{Duration, Instant};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # let deadline = Deadline::after(Instant::now(), Duration::from_secs(1));
/// # let mut context = TaskContext::default().with_deadline(deadline);
/// # let task = context.enter(|| {
/// // In a handler behind a `DeadlineLayer`:
/// tokio::spawn(carry(async {
///     assert!(Deadline::current().is_some());
/// }))
/// # });
/// # task.await.expect("it has the deadline");
/// # }
/// ```
pub fn carry<F>(future: F) -> WithTaskContext<F> {
    WithTaskContext {
        future,
        context: TaskContext::current(),
    }
}

/// A future that is polled with the deadline of the task that created it.
#[pin_project]
#[derive(Debug, Clone)]
pub struct WithTaskContext<F> {
    #[pin]
    future: F,
    context: TaskContext,
}

impl<F: Future> Future for WithTaskContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.context.enter(|| this.future.poll(cx))
    }
}
