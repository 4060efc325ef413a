use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use buttress_core::Ending;
use http::{Extensions, Request};

/// The fate of the request of one attempt: the evidence that it was not processed.
///
/// An error says little about that. "Connection refused" may be the end of a redirect that came after the request was
/// processed, and a rejection may be that of a client that the service itself called. So a retry asks the request: it
/// sends a [`Ticket`] along in the request's extensions, and keeps the fate.
///
/// The attempt was not processed if every ticket that was sent along came back as rejected: dropped by a layer that
/// answered in place of the service ([`Ending::Refused`]), or [given back](Ticket::never_sent) by a client that could
/// not connect. A ticket that is dropped in any other way, or that is still out, has been taken: in doubt the request was
/// processed.
#[derive(Debug)]
pub struct Fate(Arc<AtomicU8>);

/// What goes with the request of an attempt. See [`Fate`].
#[derive(Debug, Clone)]
pub struct Ticket(Arc<AtomicU8>);

impl Fate {
    /// Sends a ticket along with a request.
    pub fn follow<B>(request: &mut Request<B>) -> Self {
        let fate = Arc::new(AtomicU8::new(0));
        request.extensions_mut().insert(Ticket(Arc::clone(&fate)));
        Self(fate)
    }

    /// Whether the request came back, and was never processed.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.0.load(Ordering::Acquire) == REFUSED
    }
}

impl Ticket {
    /// Takes the ticket of a request, for a client that knows by itself whether the request was sent.
    pub fn take(extensions: &mut Extensions) -> Option<Self> {
        extensions.remove()
    }

    /// The request was never sent: there was no connection to send it on.
    ///
    /// Only a client that opened the connection for this very request, and follows no redirects, can say so.
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
        self.0.fetch_or(bit, Ordering::Release);
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
    fn only_a_request_that_was_rejected_came_back() {
        for ending in [Ending::Abandoned, Ending::Expired, Ending::Refused] {
            let (request, fate) = followed();
            assert!(!fate.is_refused(), "it is still out");
            ending.during(|| drop(request));
            assert_eq!(fate.is_refused(), ending == Ending::Refused, "{ending:?}");
        }
    }

    /// As by a client that follows a redirect: the first request is answered, the second finds no connection.
    #[test]
    fn a_request_that_was_taken_once_never_comes_back() {
        let (request, fate) = followed();
        let mut second = request.clone();
        drop(request);
        Ticket::take(second.extensions_mut()).unwrap().never_sent();
        drop(second);
        assert!(!fate.is_refused());
    }

    #[test]
    fn a_client_that_could_not_connect_gives_the_ticket_back() {
        let (mut request, fate) = followed();
        let ticket = Ticket::take(request.extensions_mut()).unwrap();
        drop(request);
        ticket.never_sent();
        assert!(fate.is_refused());
    }
}
