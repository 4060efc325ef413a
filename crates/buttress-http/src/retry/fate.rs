use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering, fence};

use buttress_core::Ending;
use http::{Extensions, Request};

/// The evidence that the request of an attempt was not processed.
///
/// The error alone is no evidence. "Connection refused" may come from a redirect after the request was processed, and
/// a rejection may come from a client that the service itself called. So a retry puts a [`Ticket`] into the request's
/// extensions, and keeps the fate.
///
/// The attempt was not processed if every ticket was returned: dropped by a layer that rejected the request
/// ([`Ending::Refused`]), or [returned](Ticket::never_sent) by a client that could not connect. If a ticket is
/// dropped in any other way, or is still held, the request may have been processed. Each copy of the extensions has a
/// ticket of its own. So a request also counts as processed while a layer holds a copy of it, or of its extensions.
#[derive(Debug)]
pub struct Fate(Arc<AtomicU8>);

/// The ticket in the extensions of an attempt's request. See [`Fate`].
#[derive(Debug, Clone)]
pub struct Ticket(Arc<AtomicU8>);

impl Fate {
    /// Puts a ticket into a request.
    pub fn follow<B>(request: &mut Request<B>) -> Self {
        let fate = Arc::new(AtomicU8::new(0));
        request.extensions_mut().insert(Ticket(Arc::clone(&fate)));
        Self(fate)
    }

    /// Returns whether all tickets were returned and none is held, so the request was not processed.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        // The only other references are those of tickets, and no ticket is created from none.
        if Arc::strong_count(&self.0) > 1 {
            return false;
        }
        // A ticket stores its result before it releases its reference.
        fence(Ordering::Acquire);
        self.0.load(Ordering::Relaxed) == REFUSED
    }
}

impl Ticket {
    /// Takes the ticket of a request, for a client that knows whether the request was sent.
    pub fn take(extensions: &mut Extensions) -> Option<Self> {
        extensions.remove()
    }

    /// Returns the ticket: the request was not sent, because there was no connection.
    ///
    /// Only a client that opened the connection for this very request, and follows no redirects, may call this.
    pub fn never_sent(self) {
        Ending::Refused.during(|| drop(self));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let bit = match Ending::current() {
            Ending::Refused => REFUSED,
            Ending::Abandoned | Ending::Expired => TAKEN,
        };
        // The drop of the reference that follows is the release.
        self.0.fetch_or(bit, Ordering::Relaxed);
    }
}

const REFUSED: u8 = 1;
const TAKEN: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn followed() -> (Request<()>, Fate) {
        let mut request = Request::new(());
        let fate = Fate::follow(&mut request);
        (request, fate)
    }

    #[test]
    fn only_a_rejected_request_was_not_processed() {
        for ending in [Ending::Abandoned, Ending::Expired, Ending::Refused] {
            let (request, fate) = followed();
            assert!(!fate.is_refused(), "the ticket is still held");
            ending.during(|| drop(request));
            assert_eq!(fate.is_refused(), ending == Ending::Refused, "{ending:?}");
        }
    }

    /// A layer that sends a request to two services, of which one rejects it.
    #[test]
    fn a_request_of_which_a_copy_is_held_counts_as_processed() {
        for ending in [Ending::Abandoned, Ending::Expired, Ending::Refused] {
            let (request, fate) = followed();
            let copy = request.clone();
            Ending::Refused.during(|| drop(request));
            assert!(!fate.is_refused(), "the copy is still held");
            ending.during(|| drop(copy));
            assert_eq!(fate.is_refused(), ending == Ending::Refused, "{ending:?}");
        }
    }

    #[test]
    fn a_request_that_is_rejected_in_another_thread_was_not_processed() {
        for _ in 0..100 {
            let (request, fate) = followed();
            let copy = request.clone();
            let rejecting = std::thread::spawn(|| Ending::Refused.during(|| drop(request)));
            Ending::Refused.during(|| drop(copy));
            rejecting.join().unwrap();
            assert!(fate.is_refused());
        }
    }

    /// A client that follows a redirect: the first request gets a response, the second no connection.
    #[test]
    fn a_request_that_was_sent_once_counts_as_processed() {
        let (request, fate) = followed();
        let mut second = request.clone();
        drop(request);
        Ticket::take(second.extensions_mut()).unwrap().never_sent();
        drop(second);
        assert!(!fate.is_refused());
    }

    #[test]
    fn a_client_that_could_not_connect_returns_the_ticket() {
        let (mut request, fate) = followed();
        let ticket = Ticket::take(request.extensions_mut()).unwrap();
        drop(request);
        ticket.never_sent();
        assert!(fate.is_refused());
    }
}
