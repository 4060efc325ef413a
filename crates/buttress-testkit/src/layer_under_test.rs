use std::fmt;

use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::subject::{BoxError, Subject};
use crate::{ReadyProbe, TestBody};

/// A layer to examine, and by what else the suite can reach into it.
///
/// A layer alone turns into a specimen by itself. Each hook that is given lets the suite see more.
///
/// | hook | what it lets the suite see |
/// |---|---|
/// | [`state`](Self::state) | that nothing is kept: permits, waiters, gauges are as at the start |
/// | [`resize`](Self::resize) | that a limit changes while calls are in flight (A6, A7) |
/// | [`beside`](Self::beside) | that callers that wait in different ways are all admitted (Q6) |
/// | [`trip`](Self::trip) | that a layer that rejects comes back, and that its clones reject too (B3, B6) |
pub struct LayerUnderTest {
    layer: Box<dyn Fn(ReadyProbe) -> Subject>,
    state: Option<Box<dyn Fn() -> String>>,
    resize: Option<Box<dyn Fn(usize)>>,
    trip: Option<Box<dyn Fn()>>,
    beside: Option<Box<dyn Fn(ReadyProbe) -> Subject>>,
}

impl LayerUnderTest {
    /// A layer without hooks.
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

    /// How to read what must be as at the start whenever no call is alive: permits, waiters,
    /// gauges, but no totals. Two states are the same if their `Debug` output is.
    #[must_use]
    pub fn state<T: fmt::Debug>(mut self, state: impl Fn() -> T + 'static) -> Self {
        self.state = Some(Box::new(move || format!("{:?}", state())));
        self
    }

    /// How to change the capacity while calls are in flight.
    #[must_use]
    pub fn resize(mut self, resize: impl Fn(usize) + 'static) -> Self {
        self.resize = Some(Box::new(resize));
        self
    }

    /// How to make the layer reject or hold back every call, until it recovers.
    #[must_use]
    pub fn trip(mut self, trip: impl Fn() + 'static) -> Self {
        self.trip = Some(Box::new(trip));
        self
    }

    /// Another layer over the same state, whose callers wait for the same slots in another way: in `poll_ready`, say,
    /// where those of the first wait in their call.
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
