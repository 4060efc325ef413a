//! The record of the result of each request.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;

/// The book of one gateway: every request is entered when it is sent, and its ending when it has one.
///
/// What was entered and never ended is unaccounted for. The [`Ticket`] sees to it that nothing ends twice.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Vec<Entry>>);

/// One request. All times are counted from the start of the storm.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When it was to be sent.
    pub due: Duration,
    /// When it was sent.
    pub sent: Duration,
    /// When it ended, and how.
    pub ended: Option<(Duration, Ending)>,
}

/// The right to say once how a request ended.
#[derive(Debug)]
#[must_use = "a request whose ticket is dropped is unaccounted for"]
pub struct Ticket(usize);

impl Ledger {
    /// Enters a request.
    pub fn offer(&self, due: Duration, sent: Duration) -> Ticket {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(Entry {
            due,
            sent,
            ended: None,
        });
        Ticket(entries.len() - 1)
    }

    /// Enters how the request ended.
    pub fn settle(&self, Ticket(number): Ticket, at: Duration, ending: Ending) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(number) {
            entry.ended = Some((at, ending));
        }
    }

    /// Reads the book as it stands. Requests stand in the order in which they were due.
    pub fn read<R>(&self, read: impl FnOnce(&[Entry]) -> R) -> R {
        read(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Entry {
    /// Whether the caller got a response in time.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self.ended, Some((_, Ending::Answered)))
    }

    /// How long the caller waited, from when the request was due to whatever ended it.
    #[must_use]
    pub fn waited(&self) -> Option<Duration> {
        let (at, _) = self.ended.as_ref()?;
        Some(at.saturating_sub(self.due))
    }
}

/// How a request ended, as its caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// With a success, in time. Only this is goodput.
    Answered,
    /// With a problem document that names the reason: the gateway said no.
    Refused(String),
    /// With a 504: the upstream kept the gateway waiting.
    UpstreamTimeout,
    /// With any other failure that the gateway passed on.
    UpstreamError,
    /// The caller's patience ran out first.
    HungUp,
    /// The connection to the gateway broke.
    Disconnected,
}

impl Ending {
    /// What a complete response means.
    #[must_use]
    pub fn of_response(status: StatusCode, body: &[u8]) -> Self {
        if status.is_success() {
            return Self::Answered;
        }
        match (status, reason(body)) {
            (_, Some(reason)) => Self::Refused(reason),
            (StatusCode::GATEWAY_TIMEOUT, None) => Self::UpstreamTimeout,
            (_, None) => Self::UpstreamError,
        }
    }

    /// The ending as a word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused(_) => "refused",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::UpstreamError => "upstream_error",
            Self::HungUp => "hung_up",
            Self::Disconnected => "disconnected",
        }
    }
}

/// The member `reason` of a problem document, which a gateway adds to what it rejected itself.
fn reason(body: &[u8]) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    Some(problem.get("reason")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_request_that_never_ended_stays_open() {
        let ledger = Ledger::default();
        let _lost = ledger.offer(SECOND, SECOND);
        let answered = ledger.offer(SECOND, SECOND);
        ledger.settle(answered, 2 * SECOND, Ending::Answered);
        assert!(ledger.read(|entries| entries[0].ended.is_none()));
        assert!(ledger.read(|entries| entries[1].ended.is_some()));
    }

    #[test]
    fn waiting_counts_from_when_a_request_was_due() {
        let ledger = Ledger::default();
        let ticket = ledger.offer(SECOND, 2 * SECOND);
        ledger.settle(ticket, 3 * SECOND, Ending::HungUp);
        let entry = ledger.read(|entries| entries[0].clone());
        assert_eq!(entry.waited(), Some(2 * SECOND));
        assert!(!entry.is_good());
    }

    #[test]
    fn a_response_is_read_as_its_caller_would() {
        let refusal =
            br#"{"title": "Service Unavailable", "status": 503, "reason": "circuit_open"}"#;
        for (status, body, ending) in [
            (200, &b"{}"[..], Ending::Answered),
            (503, refusal, Ending::Refused("circuit_open".to_owned())),
            (503, b"queue full\n", Ending::UpstreamError),
            (503, br#"{"reason": 7}"#, Ending::UpstreamError),
            (504, b"", Ending::UpstreamTimeout),
            (502, b"{}", Ending::UpstreamError),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(Ending::of_response(status, body), ending);
        }
    }
}
