use buttress_core::Ending;

/// Rejects a request without calling the service that was polled ready for it.
///
/// For any layer, this has two effects:
///
/// * what the service reserved in `poll_ready` (a slot of a `Buffer`, a permit of a `ConcurrencyLimit`) is released,
///   see [`relinquish`];
/// * the request is dropped as [rejected](Ending::Refused), so that an outer retry knows that this attempt was not
///   processed.
///
/// Every layer that rejects a call in `call` uses this function. A separate function, because calls that are made do
/// not need it.
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

/// Releases what a service reserved in `poll_ready`.
///
/// In Tower, the only way to do so is to drop the service. A fresh clone replaces it, and must be polled ready before
/// it is called, which any service may require after a call.
pub fn relinquish<S: Clone>(service: &mut S) {
    let fresh = service.clone();
    *service = fresh;
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    /// A service that holds a permit once it is ready, and whose clones do not.
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
    fn a_rejection_releases_the_reservation_and_drops_the_request_as_rejected() {
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
