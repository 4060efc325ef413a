use std::error::Error;

use buttress_core::{FailureKind, Guard, Outcome, Report, Turn};
use http::HeaderMap;

use crate::Http;

/// A call whose head has arrived and whose body has not ended, with its guard.
pub(crate) struct EndingBody<G: Guard> {
    // Taken when the call is settled, so that `drop` can tell whether it was.
    guard: Option<G>,
    // `None` if the trailers have the outcome.
    head: Option<Report>,
    promised: Option<u64>,
    received: u64,
    is_read: bool,
    // Whether the body was polled or has returned a frame since the head.
    is_started: bool,
    // Whether the guard has recorded the result, and is kept only for its permit.
    is_settled: bool,
    protocol: Http,
}

impl<G: Guard> EndingBody<G> {
    /// Waits for the end of a body of `promised` bytes. `head` is the outcome of the head, or `None` if the trailers
    /// have it.
    pub(crate) fn new(
        guard: G,
        head: Option<Report>,
        promised: Option<u64>,
        protocol: Http,
    ) -> Self {
        Self {
            guard: Some(guard),
            head,
            promised,
            received: 0,
            is_read: false,
            is_started: false,
            is_settled: false,
            protocol,
        }
    }

    /// Records which side must act next: the reader, if a frame was returned, or the service, if a frame is awaited.
    #[inline]
    pub(crate) fn pass_turn(&mut self, turn: Turn) {
        self.is_started = true;
        if let Some(guard) = &mut self.guard {
            guard.turn(turn);
        }
    }

    /// Records that the caller polls the body: from now on the head alone does not determine the outcome.
    pub(crate) fn read(&mut self) {
        self.is_read = true;
    }

    /// Adds `bytes` to those received. At the last byte the outcome is settled, because a server that writes the body
    /// to a connection may drop it without polling for its end. The permit is held until then.
    pub(crate) fn receive(&mut self, bytes: usize) {
        self.received = self.received.saturating_add(bytes as u64);
        let promised = self.promised.is_some_and(|bytes| bytes <= self.received);
        if let (true, Some(head)) = (promised, self.head) {
            self.settle(head);
        }
    }

    /// Ends the call at the end of its body.
    pub(crate) fn end(mut self, trailers: Option<&HeaderMap>) {
        if self.is_short() {
            return self.break_off(CUT_OFF);
        }
        if let Some(head) = self.head {
            return self.settle(head);
        }
        let told = trailers.and_then(|trailers| self.protocol.classifier().trailers(trailers));
        let report = told.unwrap_or(CUT_OFF);
        self.settle(if self.is_started {
            without_timeout(report)
        } else {
            report
        });
    }

    /// Ends the call with an error of its body.
    pub(crate) fn fail(self, error: &(dyn Error + 'static)) {
        let report = self.protocol.classifier().body_error(error);
        self.break_off(without_timeout(report));
    }

    /// Ends the call with `report`, because the body broke off. A success in the head is replaced; a failure in the
    /// head is kept, because a 429 with `Retry-After` is more specific than the broken body after it.
    fn break_off(mut self, report: Report) {
        let head = self
            .head
            .filter(|report| report.outcome != Outcome::Success);
        self.settle(head.unwrap_or(report));
    }

    /// Whether bytes are missing. An empty body is not short: it may be the response to a `HEAD`, whose length is
    /// that of the body it omits.
    fn is_short(&self) -> bool {
        self.received > 0
            && self
                .promised
                .is_some_and(|promised| self.received < promised)
    }
}

impl<G: Guard> Guard for EndingBody<G> {
    fn settle(&mut self, report: Report) {
        if self.is_settled {
            return;
        }
        self.is_settled = true;
        if let Some(guard) = &mut self.guard {
            guard.settle(report);
        }
    }
}

/// A body that is dropped before its end is a cancelled call. A failure in the head is still recorded, and so is the
/// head's outcome if the caller never polled the body: a caller that reads only the status, a retry that discards a
/// 503, a server that answers a `HEAD` with the head of a `GET`. Otherwise a breaker would get no report from such
/// callers, or only failures.
impl<G: Guard> Drop for EndingBody<G> {
    fn drop(&mut self) {
        let Some(mut guard) = self.guard.take() else {
            return;
        };
        match self.head {
            _ if self.is_settled => drop(guard),
            Some(head) if !self.is_read || head.outcome.is_failure() => guard.settle(head),
            _ => drop(guard),
        }
    }
}

/// Filters the outcome of a body's end. A timeout is dropped, because how long a body takes depends on its reader,
/// and how long a stream takes depends on the caller.
fn without_timeout(report: Report) -> Report {
    match report.outcome {
        Outcome::Failure(FailureKind::Timeout) => Report::IGNORED,
        _ => report,
    }
}

/// The outcome of a body that stopped before its end.
pub(crate) const CUT_OFF: Report = Report::failure(FailureKind::Transport);
