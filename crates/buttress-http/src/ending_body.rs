use std::error::Error;

use buttress_core::{FailureKind, Guard, Outcome, Report, Turn};
use http::HeaderMap;

use crate::Http;

/// What a call still waits for when its head has come, with the guard that ends with it.
pub(crate) struct EndingBody<G: Guard> {
    // Taken when the call is settled, so that `drop` sees whether it was.
    guard: Option<G>,
    // `None` where the trailers will tell.
    head: Option<Report>,
    promised: Option<u64>,
    received: u64,
    is_read: bool,
    // Whether anything of the body came, or was waited for, after the head.
    is_under_way: bool,
    // Whether the guard has recorded the result, and is kept for its permit.
    is_settled: bool,
    protocol: Http,
}

impl<G: Guard> EndingBody<G> {
    /// Waits for a body of `promised` bytes, after a `head` that told the outcome or left it to the trailers.
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
            is_under_way: false,
            is_settled: false,
            protocol,
        }
    }

    /// Records which side has to make progress: the reader, which has a frame, or the service, which owes one.
    #[inline]
    pub(crate) fn pass_turn(&mut self, turn: Turn) {
        self.is_under_way = true;
        if let Some(guard) = &mut self.guard {
            guard.turn(turn);
        }
    }

    /// The caller asks for the body: from now on the head alone does not say how the call went.
    pub(crate) fn read(&mut self) {
        self.is_read = true;
    }

    /// Adds `bytes`. With the last of them the outcome is settled: a server that writes the body to a connection stops
    /// there, and drops it without polling for its end. The permit is held until then.
    pub(crate) fn receive(&mut self, bytes: usize) {
        self.received = self.received.saturating_add(bytes as u64);
        let promised = self.promised.is_some_and(|bytes| bytes <= self.received);
        if let (true, Some(head)) = (promised, self.head) {
            self.settle(head);
        }
    }

    /// The body came to its end.
    pub(crate) fn end(mut self, trailers: Option<&HeaderMap>) {
        if self.is_short() {
            return self.break_off(CUT_OFF);
        }
        if let Some(head) = self.head {
            return self.settle(head);
        }
        let told = trailers.and_then(|trailers| self.protocol.classifier().trailers(trailers));
        let report = told.unwrap_or(CUT_OFF);
        self.settle(if self.is_under_way {
            unless_late(report)
        } else {
            report
        });
    }

    /// The body failed before its end.
    pub(crate) fn fail(self, error: &(dyn Error + 'static)) {
        let report = self.protocol.classifier().body_error(error);
        self.break_off(unless_late(report));
    }

    /// The body stopped before its end, of which `report` tells, and no success of the head outlives that. What
    /// else the head told stands: a 429 with its `Retry-After` says more than the broken body after it.
    fn break_off(mut self, report: Report) {
        let head = self
            .head
            .filter(|report| report.outcome != Outcome::Success);
        self.settle(head.unwrap_or(report));
    }

    /// Whether bytes are missing. A body without any is not short: it may be the answer to a `HEAD`, which
    /// has the length of what it does not send.
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

/// Dropped before the end: cancelled. But a failure in the head stays one, and a caller that never polled the body only
/// needed the head: a caller that reads only the status, a retry that discards a 503, a server that answers a `HEAD`
/// with the head of a `GET`. Otherwise such callers would report to a breaker either nothing or failures only.
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

/// What the end of a body says once the head has come. A timeout then says nothing: how long a body takes is up to its
/// reader, and how long a stream may go on is up to the caller.
fn unless_late(report: Report) -> Report {
    match report.outcome {
        Outcome::Failure(FailureKind::Timeout) => Report::IGNORED,
        _ => report,
    }
}

/// What a body is that stopped where more had to come.
pub(crate) const CUT_OFF: Report = Report::failure(FailureKind::Transport);
