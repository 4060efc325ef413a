use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::sync::scripted_panic;
use crate::{Gate, TestError};

/// What one poll of a scripted future does.
#[derive(Debug, Clone)]
pub enum Step<T> {
    /// Fails with this error.
    Err(TestError),
    /// Ends with this value.
    Ok(T),
    /// Panics.
    Panic,
    /// Is pending once, and wakes its task to be polled again.
    Pending,
    /// Is pending until the gate is open, then continues with the next step.
    Wait(Gate),
}

/// The polls of a future, one by one. After its last step the future is pending for ever.
///
/// ```
/// use buttress_testkit::{CountingWaker, Script, TestError};
/// use std::{pin::pin, task::Poll};
///
/// let mut future = pin!(Script::<()>::new().pending(2).err("boom").into_future());
/// let task = CountingWaker::new();
/// assert!(task.poll_future(future.as_mut()).is_pending());
/// assert!(task.poll_future(future.as_mut()).is_pending());
/// assert_eq!(task.poll_future(future), Poll::Ready(Err(TestError::new("boom"))));
/// ```
#[derive(Debug, Clone)]
pub struct Script<T> {
    steps: VecDeque<Step<T>>,
    panics_in_call: bool,
    panics_in_drop: bool,
}

impl<T> Script<T> {
    /// Creates a script without steps, which is pending for ever.
    #[must_use]
    pub fn new() -> Self {
        Self {
            steps: VecDeque::new(),
            panics_in_call: false,
            panics_in_drop: false,
        }
    }

    /// Adds one step.
    #[must_use]
    pub fn step(mut self, step: Step<T>) -> Self {
        self.steps.push_back(step);
        self
    }

    /// Is pending for `polls` polls.
    #[must_use]
    pub fn pending(self, polls: usize) -> Self {
        (0..polls).fold(self, |script, _| script.step(Step::Pending))
    }

    /// Waits for `gate`.
    #[must_use]
    pub fn wait(self, gate: &Gate) -> Self {
        self.step(Step::Wait(gate.clone()))
    }

    /// Ends with `value`.
    #[must_use]
    pub fn ok(self, value: T) -> Self {
        self.step(Step::Ok(value))
    }

    /// Fails with `text`.
    #[must_use]
    pub fn err(self, text: &'static str) -> Self {
        self.step(Step::Err(TestError::new(text)))
    }

    /// Panics when polled.
    #[must_use]
    pub fn panic(self) -> Self {
        self.step(Step::Panic)
    }

    /// Panics in `Service::call` already, where a service runs the script.
    #[must_use]
    pub fn panic_in_call(mut self) -> Self {
        self.panics_in_call = true;
        self
    }

    /// Panics when dropped, finished or not.
    #[must_use]
    pub fn panic_in_drop(mut self) -> Self {
        self.panics_in_drop = true;
        self
    }

    /// Starts the script.
    pub(crate) fn begin(self) -> ScriptedFuture<T> {
        if self.panics_in_call {
            scripted_panic("scripted panic in call");
        }
        ScriptedFuture {
            steps: self.steps,
            panics_in_drop: self.panics_in_drop,
        }
    }
}

impl<T> Default for Script<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Unpin> IntoFuture for Script<T> {
    type Output = Result<T, TestError>;
    type IntoFuture = ScriptedFuture<T>;

    fn into_future(self) -> ScriptedFuture<T> {
        self.begin()
    }
}

/// A future that runs a [`Script`].
#[derive(Debug)]
pub struct ScriptedFuture<T> {
    steps: VecDeque<Step<T>>,
    panics_in_drop: bool,
}

impl<T: Unpin> Future for ScriptedFuture<T> {
    type Output = Result<T, TestError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if let Some(Step::Wait(gate)) = self.steps.front()
                && gate.poll(cx).is_pending()
            {
                return Poll::Pending;
            }
            match self.steps.pop_front() {
                Some(Step::Err(error)) => return Poll::Ready(Err(error)),
                Some(Step::Ok(value)) => return Poll::Ready(Ok(value)),
                Some(Step::Panic) => scripted_panic("scripted panic in poll"),
                Some(Step::Pending) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Wait(_)) => {}
                None => return Poll::Pending,
            }
        }
    }
}

impl<T> Drop for ScriptedFuture<T> {
    fn drop(&mut self) {
        // A second panic while unwinding would abort the test.
        if self.panics_in_drop && !std::thread::panicking() {
            scripted_panic("scripted panic in drop");
        }
    }
}
