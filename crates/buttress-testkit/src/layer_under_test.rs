use std::fmt;

use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::subject::{BoxError, Subject};
use crate::{ReadyProbe, TestBody};

/// A layer to test, with optional hooks for the suite.
///
/// A layer converts into this type without hooks. Each hook lets the suite check more.
///
/// | hook | what the suite checks with it |
/// |---|---|
/// | [`state`](Self::state) | no permits or waiters remain, and gauges return to their initial values |
/// | [`resize`](Self::resize) | a limit may change while calls are in flight (A6, A7) |
/// | [`beside`](Self::beside) | callers that wait in different ways are all admitted (Q6) |
/// | [`trip`](Self::trip) | a layer that rejects recovers, and its clones reject too (B3, B6) |
pub struct LayerUnderTest {
    layer: Box<dyn Fn(ReadyProbe) -> Subject>,
    state: Option<Box<dyn Fn() -> String>>,
    resize: Option<Box<dyn Fn(usize)>>,
    trip: Option<Box<dyn Fn()>>,
    beside: Option<Box<dyn Fn(ReadyProbe) -> Subject>>,
}

impl LayerUnderTest {
    /// Creates a layer under test without hooks.
    pub fn new<L, B>(layer: L) -> Self
    where
        L: Layer<ReadyProbe> + 'static,
        L::Service: Service<Request<TestBody>, Response = Response<B>> + Clone + 'static,
        <L::Service as Service<Request<TestBody>>>::Error: Into<BoxError>,
        B: Body + 'static,
        B::Error: Into<BoxError>,
    {
        Self {
            layer: Box::new(move |inner| Subject::new(layer.layer(inner))),
            state: None,
            resize: None,
            trip: None,
            beside: None,
        }
    }

    /// Reads the state that must be the initial one whenever no call is alive: permits, waiters and gauges, but no
    /// totals. Two states are equal if their `Debug` output is.
    #[must_use]
    pub fn state<T: fmt::Debug>(mut self, state: impl Fn() -> T + 'static) -> Self {
        self.state = Some(Box::new(move || format!("{:?}", state())));
        self
    }

    /// Changes the capacity while calls are in flight.
    #[must_use]
    pub fn resize(mut self, resize: impl Fn(usize) + 'static) -> Self {
        self.resize = Some(Box::new(resize));
        self
    }

    /// Makes the layer reject or delay every call, until it recovers.
    #[must_use]
    pub fn trip(mut self, trip: impl Fn() + 'static) -> Self {
        self.trip = Some(Box::new(trip));
        self
    }

    /// Another layer with the same state, whose callers wait for the same slots in another way: in `poll_ready`, for
    /// example, while those of the first layer wait after `call`.
    #[must_use]
    pub fn beside<L, B>(mut self, layer: L) -> Self
    where
        L: Layer<ReadyProbe> + 'static,
        L::Service: Service<Request<TestBody>, Response = Response<B>> + Clone + 'static,
        <L::Service as Service<Request<TestBody>>>::Error: Into<BoxError>,
        B: Body + 'static,
        B::Error: Into<BoxError>,
    {
        self.beside = Some(Box::new(move |inner| Subject::new(layer.layer(inner))));
        self
    }

    pub(crate) fn wrap_beside(&self, inner: ReadyProbe) -> Option<Subject> {
        self.beside.as_ref().map(|beside| beside(inner))
    }

    pub(crate) fn wrap(&self, inner: ReadyProbe) -> Subject {
        (self.layer)(inner)
    }

    pub(crate) fn read_state(&self) -> Option<String> {
        self.state.as_ref().map(|state| state())
    }

    pub(crate) fn resizer(&self) -> Option<&dyn Fn(usize)> {
        self.resize.as_deref()
    }

    pub(crate) fn tripper(&self) -> Option<&dyn Fn()> {
        self.trip.as_deref()
    }
}

impl<L, B> From<L> for LayerUnderTest
where
    L: Layer<ReadyProbe> + 'static,
    L::Service: Service<Request<TestBody>, Response = Response<B>> + Clone + 'static,
    <L::Service as Service<Request<TestBody>>>::Error: Into<BoxError>,
    B: Body + 'static,
    B::Error: Into<BoxError>,
{
    fn from(layer: L) -> Self {
        Self::new(layer)
    }
}

impl fmt::Debug for LayerUnderTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerUnderTest")
            .field("state", &self.read_state())
            .field("resizable", &self.resize.is_some())
            .field("trippable", &self.trip.is_some())
            .field("beside", &self.beside.is_some())
            .finish()
    }
}
