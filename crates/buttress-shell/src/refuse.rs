use buttress_core::Ending;

/// Answers a request without calling the service that was polled ready for it.
///
/// Two things follow from that, whatever the layer:
///
/// * what the service reserved in `poll_ready` (a slot of a `Buffer`, a permit of a `ConcurrencyLimit`) is given back,
///   see [`relinquish`];
/// * the request is dropped as [rejected](Ending::Refused), by which an outer retry knows that this attempt was
///   not processed.
///
/// Every layer that rejects a call in `call` does so through this function.
// Apart from the calls that are made, which have no use for it.
#[cold]
#[inline(never)]
pub fn refuse<S: Clone, Req>(service: &mut S, request: Req) {
    drop_refused(request);
    relinquish(service);
}

/// Drops a request without calling its service, as [rejected](Ending::Refused).
pub(crate) fn drop_refused<Req>(request: Req) {
    Ending::Refused.during(|| drop(request));
}

/// Gives back what a service reserved in `poll_ready`.
///
/// Tower has no other way to do so than to drop the service. A fresh clone takes its place, and has to be polled ready
/// before it is called, which any service may demand after a call.
pub fn relinquish<S: Clone>(service: &mut S) {
    let fresh = service.clone();
    *service = fresh;
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    /// A service that holds a permit once it is ready, and no clone of which does.
    struct Reserving {
        held: Rc<Cell<u32>>,
        is_ready: bool,
    }

    impl Clone for Reserving {
        fn clone(&self) -> Self {
            Self {
                held: Rc::clone(&self.held),
                is_ready: false,
            }
        }
    }

    impl Drop for Reserving {
        fn drop(&mut self) {
            self.held.set(self.held.get() - u32::from(self.is_ready));
        }
    }

    struct Request(Rc<Cell<Ending>>);

    impl Drop for Request {
        fn drop(&mut self) {
            self.0.set(Ending::current());
        }
    }

    #[test]
    fn a_rejection_gives_the_reservation_back_and_drops_the_request_as_rejected() {
        let (held, ending) = (Rc::new(Cell::new(1)), Rc::default());
        let mut service = Reserving {
            held: Rc::clone(&held),
            is_ready: true,
        };
        refuse(&mut service, Request(Rc::clone(&ending)));
        assert_eq!((held.get(), ending.get()), (0, Ending::Refused));
        assert!(!service.is_ready);
    }
}
