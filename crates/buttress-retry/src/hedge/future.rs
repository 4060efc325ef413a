use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use buttress_core::hedge::HedgeRank;
use buttress_core::retry::RetryClass;
use buttress_core::{BoxError, Lease, Plain, Upload};
use buttress_metrics::HedgeEvent;
use buttress_shell::now;
use pin_project::{pin_project, pinned_drop};
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use super::attempt::HedgeAttempt;
use super::handle::Shared;
use crate::repeat::{Judge, Repeat};

/// The response future of [`HedgeService`](crate::HedgeService).
///
/// While both attempts run, only a [conclusive](Judge::is_conclusive) result ends the call: a conflict may be with
/// the other attempt, unless the request only reads. If neither result is conclusive, a failure that may pass is
/// returned rather than a conflict, so that an outer retry can repeat it, and a conflict rather than the rejection of
/// an attempt that was not processed. Of two results of one kind, the last is returned.
///
/// For a request that does not only read, the result of one attempt is held until the other ends, with its body.
#[pin_project(PinnedDrop)]
pub struct HedgeFuture<S, Req, P = Plain>
where
    S: Service<Req>,
    P: Repeat<Req>,
{
    /// `None` once it has ended.
    #[pin]
    first: Option<S::Future>,
    /// `None` until it has started, and once it has ended.
    #[pin]
    other: Option<S::Future>,
    #[pin]
    timer: Option<Sleep>,
    stage: Stage,
    protocol: P,
    /// `None` if the mode is off, and once the call has ended.
    watch: Option<Watch>,
    second: Option<HedgeAttempt<S, Req, P>>,
    /// The result of one attempt, if the result of the other may rank below it. Boxed, because it is rare.
    earlier: Option<Box<Ended<S::Response>>>,
}

/// The end of an attempt.
struct Ended<T> {
    result: Result<T, BoxError>,
    class: RetryClass,
    /// What the attempt is counted as, if its result is returned.
    event: HedgeEvent,
}

/// Records the latency of the call.
pub(super) struct Watch {
    pub(super) shared: Lease<Shared>,
    pub(super) started: Instant,
    /// The upload of the request, if it is tracked.
    pub(super) upload: Option<Upload>,
}

/// The stage of the second attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There is no second attempt, or only one attempt is left.
    Alone,
    /// The first attempt has not reached the delay.
    Delayed,
    /// It is paid for, and waits until its service is ready.
    Readying,
    /// Both attempts are in flight, or one of them has failed.
    Racing,
}

impl<S, Req, P> HedgeFuture<S, Req, P>
where
    S: Service<Req>,
    P: Repeat<Req>,
{
    #[inline]
    pub(super) fn new(
        first: S::Future,
        protocol: P,
        watch: Option<Watch>,
        second: Option<HedgeAttempt<S, Req, P>>,
        delay: Option<Duration>,
    ) -> Self {
        let timer = delay.filter(|_| second.is_some()).map(sleep);
        Self {
            first: Some(first),
            other: None,
            stage: match timer {
                Some(_) => Stage::Delayed,
                None => Stage::Alone,
            },
            timer,
            protocol,
            watch,
            second,
            earlier: None,
        }
    }
}

impl<S, Req, P> Future for HedgeFuture<S, Req, P>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
    P: Repeat<Req> + Judge<S::Response>,
{
    type Output = Result<S::Response, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let mut ended = None;
            if let Some(first) = this.first.as_mut().as_pin_mut()
                && let Poll::Ready(result) = first.poll(cx)
            {
                this.first.set(None);
                ended = Some((result.map_err(Into::into), HedgeEvent::Lost));
            }
            if ended.is_none()
                && let Some(other) = this.other.as_mut().as_pin_mut()
                && let Poll::Ready(result) = other.poll(cx)
            {
                this.other.set(None);
                ended = Some((result.map_err(Into::into), HedgeEvent::Won));
            }
            if let Some((result, event)) = ended {
                let class = this.protocol.judge(&result).class;
                let mut ended = Ended {
                    result,
                    class,
                    event,
                };
                if this.first.is_some() || this.other.is_some() {
                    let second = this.second.as_ref();
                    let may_collide = second.is_some_and(|second| second.may_collide);
                    let rank =
                        ended.rank(|result| !may_collide || this.protocol.is_conclusive(result));
                    if rank < HedgeRank::Conclusive {
                        // The other attempt may have a better result. What ranks lowest, or cannot be a conflict's
                        // cause, is dropped with everything it holds.
                        if may_collide && rank > HedgeRank::Unprocessed {
                            *this.earlier = Some(Box::new(ended));
                        }
                        continue;
                    }
                } else if let Some(earlier) = this.earlier.take() {
                    let rank =
                        |ended: &Ended<_>| ended.rank(|result| this.protocol.is_conclusive(result));
                    if rank(&earlier) > rank(&ended) {
                        ended = *earlier;
                    }
                }
                let Ended {
                    result,
                    class,
                    event,
                } = ended;
                // The losing attempt is dropped before the result of the winning one is recorded.
                this.first.set(None);
                this.other.set(None);
                let raced = std::mem::replace(this.stage, Stage::Alone) == Stage::Racing;
                *this.second = None;
                if let Some(Watch {
                    shared,
                    started,
                    upload,
                }) = this.watch.take()
                {
                    if raced {
                        let failed = class.kind().is_some();
                        shared
                            .signals
                            .emit(if failed { HedgeEvent::Failed } else { event });
                    }
                    let now = now();
                    let succeeded = class == RetryClass::Final;
                    let latency = match &upload {
                        Some(upload) => upload.latency(started, now),
                        None => Some(now.saturating_duration_since(started)),
                    };
                    if let Some(latency) = latency {
                        shared.delay.record(latency, succeeded, now);
                    }
                }
                return Poll::Ready(result);
            }

            let (Some(second), Some(watch)) = (&mut *this.second, &*this.watch) else {
                return Poll::Pending;
            };
            match this.stage {
                Stage::Alone | Stage::Racing => return Poll::Pending,
                Stage::Delayed => {
                    if let Some(timer) = this.timer.as_mut().as_pin_mut()
                        && timer.poll(cx).is_pending()
                    {
                        return Poll::Pending;
                    }
                    this.timer.set(None);
                    *this.stage = if second.decide(&watch.shared, this.protocol) {
                        Stage::Readying
                    } else {
                        Stage::Alone
                    };
                }
                Stage::Readying => match second.poll_begin(cx, this.protocol, watch.started) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(None) => {
                        *this.stage = Stage::Alone;
                        *this.second = None;
                    }
                    Poll::Ready(Some(other)) => {
                        *this.stage = Stage::Racing;
                        this.other.set(Some(other));
                    }
                },
            }
        }
    }
}

impl<T> Ended<T> {
    fn rank(&self, is_conclusive: impl FnOnce(&Result<T, BoxError>) -> bool) -> HedgeRank {
        HedgeRank::of(self.class, || is_conclusive(&self.result))
    }
}

#[pinned_drop]
impl<S, Req, P> PinnedDrop for HedgeFuture<S, Req, P>
where
    S: Service<Req>,
    P: Repeat<Req>,
{
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if let (Stage::Racing, Some(Watch { shared, .. })) = (*this.stage, &*this.watch) {
            shared.signals.emit(HedgeEvent::Cancelled);
        }
    }
}

impl<S, Req, P> fmt::Debug for HedgeFuture<S, Req, P>
where
    S: Service<Req>,
    P: Repeat<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeFuture")
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}
