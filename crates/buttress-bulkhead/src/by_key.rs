use std::borrow::Cow;
use std::fmt;

use buttress_core::{BoxError, Deadline, Guard, Identify, Plain, Protocol};

/// A protocol, and a function that returns the key of a request: the name of its partition, or of its tenant.
#[derive(Clone, Copy)]
pub struct ByKey<F, P = Plain> {
    pub(crate) key: F,
    pub(crate) protocol: P,
}

impl<Res, F, P> Protocol<Res> for ByKey<F, P>
where
    F: Clone,
    P: Protocol<Res>,
{
    type Response<G: Guard> = P::Response<G>;

    #[inline(always)]
    fn conclude<G: Guard>(
        &self,
        result: Result<Res, BoxError>,
        guard: &mut Option<G>,
    ) -> Result<Self::Response<G>, BoxError> {
        self.protocol.conclude(result, guard)
    }

    fn keep<G: Guard + Send + 'static>(&mut self, guard: &mut Option<G>) {
        self.protocol.keep(guard);
    }
}

impl<Req, F, P> Identify<Req> for ByKey<F, P>
where
    F: Fn(&Req) -> Cow<'_, str>,
    P: Identify<Req>,
{
    fn identity(&self, request: &Req) -> Option<u64> {
        self.protocol.identity(request)
    }

    fn deadline(&self, request: &Req) -> Option<Deadline> {
        self.protocol.deadline(request)
    }

    fn prepare(&mut self, request: &mut Req) {
        self.protocol.prepare(request);
    }

    fn key<'a>(&self, request: &'a Req) -> Option<Cow<'a, str>> {
        Some((self.key)(request))
    }
}

impl<F, P: fmt::Debug> fmt::Debug for ByKey<F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByKey")
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}
