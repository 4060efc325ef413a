//! recloser's breaker, which is not a layer, with a minimal service around it.

use std::task::{Context, Poll};
use std::time::Duration;

use recloser::{AnyError, AsyncRecloser, Error, Recloser, RecloserFuture};
use tower::Service;

use super::bare::{ECHO, Echo, Failed};
use crate::case::Case;

pub(super) fn cases() -> Vec<Case> {
    let cases = [
        Case::service::<_, u64>("recloser closed", || Thin::new(Recloser::default())).contended(),
        Case::service::<_, u64>("recloser open", || Thin::new(open())).failing(),
    ];
    cases.map(|case| case.over(ECHO)).into()
}

/// A recloser that failed until it opened, which takes one call more than its window has.
fn open() -> Recloser {
    let recloser = Recloser::custom()
        .closed_len(1)
        .open_wait(Duration::from_secs(3_600))
        .build();
    for _ in 0..2 {
        let _failed: Result<(), _> = recloser.call(|| Err(Failed));
    }
    recloser
}

#[derive(Clone)]
struct Thin {
    recloser: AsyncRecloser,
    inner: Echo,
}

impl Thin {
    fn new(recloser: Recloser) -> Self {
        Self {
            recloser: recloser.into(),
            inner: Echo,
        }
    }
}

impl Service<u64> for Thin {
    type Response = u64;
    type Error = Error<Failed>;
    type Future = RecloserFuture<<Echo as Service<u64>>::Future, AnyError>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Error::Inner)
    }

    fn call(&mut self, request: u64) -> Self::Future {
        self.recloser.call(self.inner.call(request))
    }
}
