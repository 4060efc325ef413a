use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use buttress_core::retry::{Decision, Progress, Safety, StopReason, Terms, judge_error};
use buttress_core::{BoxError, Deadline, FailureKind, Mode};
use buttress_metrics::RetryEvent;
use buttress_shell::Timer;
use pin_project::pin_project;
use tower::retry::Policy;

use crate::Retry;
use crate::budget::Payment;
use crate::clock::{chance, now};

/// The decisions of a [`Retry`] as a [`Policy`] of [`tower::retry`], for stacks that are built around that.
///
/// It decides by the `Result`, as [`RetryLayer::new`](crate::RetryLayer::new) does, and by the deadline of the task.
/// What takes the layer is not there: HTTP, timeouts of attempts, and the reason why there was no other attempt. The
/// budget's share in flight sees its attempts while they are waited for.
///
/// ```
/// use buttress_core::BoxError;
/// use buttress_retry::{Retry, RetryConfig, RetryPolicy};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), BoxError> {
/// let retry = Retry::new("database", RetryConfig::default());
/// let service = ServiceBuilder::new()
///     .retry(RetryPolicy::new(&retry))
///     .service_fn(|query: &'static str| async move { Ok::<_, BoxError>(query.len()) });
/// assert_eq!(service.oneshot("select 1").await?, 8);
/// # Ok(())
/// # }
/// ```
pub struct RetryPolicy {
    retry: Retry,
    /// How many attempts were made at the call that this clone is for.
    made: u32,
    progress: Progress,
    /// By which a mode binds the call or does not.
    draw: u64,
}

impl RetryPolicy {
    /// The policy of `retry`.
    #[must_use]
    pub fn new(retry: &Retry) -> Self {
        Self {
            retry: retry.clone(),
            made: 0,
            progress: Progress::default(),
            draw: chance(),
        }
    }

    fn fail(&mut self, error: &BoxError) -> Option<RetryWait> {
        let shared = self.retry.shared();
        let config = shared.settings().config();
        let verdict = judge_error(&**error);
        let terms = Terms {
            safety: Safety::Idempotent,
            unprocessed: false,
            obstacle: None,
            remaining: Deadline::current().map(|deadline| deadline.remaining(now())),
            usual: Duration::ZERO,
        };
        self.made += 1;
        let cause = verdict.finding.kind().unwrap_or(FailureKind::Error);
        let reserve = || shared.budget().reserve(config.cost(cause));
        let decision = config
            .rule
            .decide(verdict, &mut self.progress, &terms, chance, reserve);
        match decision {
            Decision::Return => None,
            Decision::Stop(reason) => {
                shared.signals().emit(RetryEvent::Stopped {
                    reason,
                    attempts: self.made,
                });
                None
            }
            Decision::Retry { mut paid, .. } if !shared.settings().mode().binds(|| self.draw) => {
                paid.begin();
                shared.signals().emit(RetryEvent::WouldRetry(cause));
                None
            }
            Decision::Retry { after, .. } if !after.is_zero() && Timer::at(now()).is_none() => {
                shared.signals().emit(RetryEvent::Stopped {
                    reason: StopReason::NoTimer,
                    attempts: self.made,
                });
                None
            }
            Decision::Retry { after, paid } => {
                shared.signals().emit(RetryEvent::Retrying {
                    cause,
                    attempt: self.made + 1,
                    after,
                });
                Some(RetryWait {
                    until: (!after.is_zero()).then(|| now() + after),
                    timer: Timer::default(),
                    payment: paid,
                })
            }
        }
    }
}

/// A clone is for a call of its own.
impl Clone for RetryPolicy {
    fn clone(&self) -> Self {
        Self::new(&self.retry)
    }
}

impl<Req: Clone, Res> Policy<Req, Res, BoxError> for RetryPolicy {
    type Future = RetryWait;

    fn retry(&mut self, _: &mut Req, result: &mut Result<Res, BoxError>) -> Option<RetryWait> {
        let shared = self.retry.shared();
        if shared.settings().mode() == Mode::Off {
            return None;
        }
        match result {
            Ok(_) => {
                shared.budget().deposit();
                None
            }
            Err(error) => self.fail(error),
        }
    }

    fn clone_request(&mut self, request: &Req) -> Option<Req> {
        Some(request.clone())
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy")
            .field("retry", &self.retry)
            .field("made", &self.made)
            .finish_non_exhaustive()
    }
}

/// The wait before another attempt. Dropped before its end, it gives back what was paid for that.
#[pin_project]
pub struct RetryWait {
    /// `None` where there is nothing to wait for.
    until: Option<Instant>,
    #[pin]
    timer: Timer,
    payment: Payment,
}

impl Future for RetryWait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if let Some(until) = *this.until {
            ready!(this.timer.poll(until, cx));
        }
        this.payment.begin();
        Poll::Ready(())
    }
}

impl fmt::Debug for RetryWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryWait").finish_non_exhaustive()
    }
}
