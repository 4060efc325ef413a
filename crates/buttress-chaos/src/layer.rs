use std::marker::PhantomData;

use tower_layer::Layer;

use crate::protocol::{HttpCalls, PlainCalls};
use crate::{ChaosService, Injector};

/// Applies an [`Injector`] to a service.
///
/// All services of all layers of one injector share its state, however often `layer` is called. See the [crate
/// docs](crate).
#[derive(Debug)]
pub struct ChaosLayer<P = PlainCalls> {
    injector: Injector,
    protocol: PhantomData<fn() -> P>,
}

impl ChaosLayer {
    /// For any service. Conditions on HTTP match no call, HTTP responses are injected as errors, and faults in bodies
    /// have no effect.
    #[must_use]
    pub fn new(injector: &Injector) -> Self {
        Self::of(injector)
    }
}

impl ChaosLayer<HttpCalls> {
    /// For an HTTP or gRPC server: faults are injected into its responses.
    #[must_use]
    pub fn server(injector: &Injector) -> Self {
        Self::of(injector)
    }

    /// For an HTTP or gRPC client: faults are injected in place of the dependency's.
    #[must_use]
    pub fn client(injector: &Injector) -> Self {
        Self::of(injector)
    }
}

impl<P> ChaosLayer<P> {
    fn of(injector: &Injector) -> Self {
        Self {
            injector: injector.clone(),
            protocol: PhantomData,
        }
    }
}

impl<P> Clone for ChaosLayer<P> {
    fn clone(&self) -> Self {
        Self::of(&self.injector)
    }
}

impl<S, P> Layer<S> for ChaosLayer<P> {
    type Service = ChaosService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        ChaosService::new(inner, self.injector.clone())
    }
}
