use crate::{BoxError, Guard, Identify, Report, classify_error};

/// How a shell classifies a finished call, and what holds the guard until the call ends.
///
/// [`Plain`] takes the outcome from the `Result`, and the call ends with it. The `Http` protocol of `buttress-http`
/// reads status, `grpc-status`, trailers and the body, and can hold the guard until the body ends.
pub trait Protocol<Res>: Clone {
    /// The response that the caller gets, with a guard of type `G` inside where the call continues in a body.
    type Response<G: Guard>;

    /// Settles `guard` with the result, or moves it to where it is settled later.
    ///
    /// # Errors
    ///
    /// The inner error, unchanged.
    fn conclude<G: Guard>(
        &self,
        result: Result<Res, BoxError>,
        guard: &mut Option<G>,
    ) -> Result<Self::Response<G>, BoxError>;

    /// Moves the guard of a call that continues after its response, such as an upgraded connection. `self` is the
    /// call's own clone of the protocol.
    fn keep<G: Guard + Send + 'static>(&mut self, guard: &mut Option<G>) {
        let _ = guard;
    }
}

/// The outcome is the `Result`: `Ok` is a success, and [`classify_error`] reads the error.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plain;

impl<Res> Protocol<Res> for Plain {
    type Response<G: Guard> = Res;

    // Inlined, because it is called for every call and is small.
    #[inline(always)]
    fn conclude<G: Guard>(
        &self,
        result: Result<Res, BoxError>,
        guard: &mut Option<G>,
    ) -> Result<Res, BoxError> {
        if let Some(guard) = guard {
            guard.settle(match &result {
                Ok(_) => Report::SUCCESS,
                Err(error) => classify_error(&**error),
            });
        }
        result
    }
}

impl<Req> Identify<Req> for Plain {
    fn identity(&self, _: &Req) -> Option<u64> {
        None
    }
}

/// The outcome is the result of a function of the `Result`.
#[derive(Clone, Copy)]
pub struct Classified<F>(F);

impl<F> Classified<F> {
    /// Takes the outcome from `classify`.
    pub fn new(classify: F) -> Self {
        Self(classify)
    }

    /// Classifies a result with the function.
    pub fn report<Res>(&self, result: &Result<Res, BoxError>) -> Report
    where
        F: Fn(&Result<Res, BoxError>) -> Report,
    {
        (self.0)(result)
    }
}

impl<F> std::fmt::Debug for Classified<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Classified")
    }
}

impl<Res, F> Protocol<Res> for Classified<F>
where
    F: Fn(&Result<Res, BoxError>) -> Report + Clone,
{
    type Response<G: Guard> = Res;

    fn conclude<G: Guard>(
        &self,
        result: Result<Res, BoxError>,
        guard: &mut Option<G>,
    ) -> Result<Res, BoxError> {
        // A panic of the user's function leaves the guard unsettled, which is a cancellation.
        let report = self.report(&result);
        if let Some(guard) = guard {
            guard.settle(report);
        }
        result
    }
}

impl<Req, F> Identify<Req> for Classified<F> {
    fn identity(&self, _: &Req) -> Option<u64> {
        None
    }
}
