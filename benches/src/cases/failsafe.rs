//! failsafe's breaker, which is not a layer, with a minimal service around it.

use std::task::{Context, Poll};
use std::time::Duration;

use failsafe::futures::{CircuitBreaker, ResponseFuture};
use failsafe::{Any, Config, Error, backoff, failure_policy};
use tower::Service;

use super::bare::{ECHO, Echo, Failed};
use crate::case::Case;

pub(super) fn cases() -> Vec<Case> {
    let closed = || Thin {
        breaker: Config::new().build(),
        inner: Echo,
    };
    let open = || {
        let backoff = backoff::constant(Duration::from_secs(3_600));
        let policy = failure_policy::consecutive_failures(1, backoff);
        let breaker = Config::new().failure_policy(policy).build();
        breaker.on_error();
        Thin {
            breaker,
            inner: Echo,
        }
    };
    let cases = [
        Case::service::<_, u64>("failsafe closed", closed).contended(),
        Case::service::<_, u64>("failsafe open", open).failing(),
    ];
    cases.map(|case| case.over(ECHO)).into()
}

#[derive(Clone)]
struct Thin<B> {
    breaker: B,
    inner: Echo,
}

impl<B: CircuitBreaker> Service<u64> for Thin<B> {
    type Response = u64;
    type Error = Error<Failed>;
    type Future =
        ResponseFuture<<Echo as Service<u64>>::Future, B::FailurePolicy, B::Instrument, Any>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Error::Inner)
    }

    fn call(&mut self, request: u64) -> Self::Future {
        self.breaker.call(self.inner.call(request))
    }
}
