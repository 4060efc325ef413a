use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use buttress_core::{BoxError, Criticality, Deadline, Guard, Identify, Protocol};
use http::header::UPGRADE;
use http::{Method, Request};

/// Keeps the slot of a call whose connection continues after the response: a websocket, or a tunnel.
///
/// A layer observes a call up to its response, which for an upgrade is `101 Switching Protocols`, and not the
/// connection after it. With [`BulkheadLayer::upgrades`](crate::BulkheadLayer::upgrades), a request for an upgrade,
/// or a `CONNECT`, has a hold in its extensions. The handler moves it to the code that serves the connection, and the
/// call keeps its slot until the last clone of the hold is dropped. A hold that is not kept ends with the response.
///
/// ```
/// use buttress_bulkhead::{Bulkhead, BulkheadConfig, BulkheadHold, BulkheadLayer};
/// use http::{Request, Response, StatusCode};
/// use http_body_util::Empty;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), buttress_core::BoxError> {
/// let sockets = Bulkhead::new("sockets", BulkheadConfig::default().limit(1));
/// let service = ServiceBuilder::new()
///     .layer(BulkheadLayer::server(&sockets).upgrades())
///     .service_fn(|mut request: Request<String>| async move {
///         // With axum: `Extension(hold): Extension<BulkheadHold>`, moved into `WebSocketUpgrade::on_upgrade`.
///         let hold = request.extensions_mut().remove::<BulkheadHold>();
///         tokio::spawn(async move {
///             // Serve the connection here.
///             # tokio::time::sleep(std::time::Duration::from_secs(60)).await;
///             drop(hold);
///         });
///         let mut response = Response::new(Empty::<bytes::Bytes>::new());
///         *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
///         Ok::<_, std::io::Error>(response)
///     });
///
/// let request = Request::get("/").header("upgrade", "websocket").body(String::new())?;
/// let response = service.clone().oneshot(request.clone()).await?;
/// assert_eq!(response.status(), 101);
/// // The connection holds the only slot, until it ends.
/// assert_eq!(sockets.snapshot().in_flight, 1);
/// assert!(service.oneshot(request).await.is_err());
/// # tokio::time::sleep(std::time::Duration::from_secs(61)).await;
/// assert_eq!(sockets.snapshot().in_flight, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "dropping it releases the slot"]
pub struct BulkheadHold(
    /// `None` until there is a response. Only moves happen under the lock.
    Arc<Mutex<Option<Box<dyn Send>>>>,
);

impl fmt::Debug for BulkheadHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkheadHold").finish_non_exhaustive()
    }
}

/// A protocol that attaches a [`BulkheadHold`] to requests for an upgrade.
#[derive(Debug)]
pub struct Upgrades<P> {
    protocol: P,
    /// The hold in the request of this call.
    hold: Option<BulkheadHold>,
}

impl<P> Upgrades<P> {
    pub(crate) fn new(protocol: P) -> Self {
        Self {
            protocol,
            hold: None,
        }
    }
}

/// Each call has its own clone, which starts without a hold.
impl<P: Clone> Clone for Upgrades<P> {
    fn clone(&self) -> Self {
        Self::new(self.protocol.clone())
    }
}

impl<Res, P: Protocol<Res>> Protocol<Res> for Upgrades<P> {
    type Response<G: Guard> = P::Response<G>;

    #[inline]
    fn conclude<G: Guard>(
        &self,
        result: Result<Res, BoxError>,
        guard: &mut Option<G>,
    ) -> Result<Self::Response<G>, BoxError> {
        self.protocol.conclude(result, guard)
    }

    fn keep<G: Guard + Send + 'static>(&mut self, guard: &mut Option<G>) {
        if let Some(hold) = self.hold.take()
            && let Some(guard) = guard.take()
        {
            let mut kept = hold.0.lock().unwrap_or_else(PoisonError::into_inner);
            *kept = Some(Box::new(guard));
        }
    }
}

impl<B, P: Identify<Request<B>>> Identify<Request<B>> for Upgrades<P> {
    fn identity(&self, request: &Request<B>) -> Option<u64> {
        self.protocol.identity(request)
    }

    fn deadline(&self, request: &Request<B>) -> Option<Deadline> {
        self.protocol.deadline(request)
    }

    fn criticality(&self, request: &Request<B>) -> Option<Criticality> {
        self.protocol.criticality(request)
    }

    fn prepare(&mut self, request: &mut Request<B>) {
        if *request.method() == Method::CONNECT || request.headers().contains_key(UPGRADE) {
            let hold = BulkheadHold(Arc::default());
            request.extensions_mut().insert(hold.clone());
            self.hold = Some(hold);
        }
    }

    fn key<'a>(&self, request: &'a Request<B>) -> Option<Cow<'a, str>> {
        self.protocol.key(request)
    }
}
