//! The layers between the service and its callers.

use buttress::prelude::BoxError;
use buttress::shed::{Order, ShedConfig, ShedLayer, Shedder};
use http::{Request, Response};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::backend::{Body, WORK, WORKERS};
use crate::load::PATIENCE;

/// For users with a load of exactly the capacity: the one load that the defaults are not made for.
pub(crate) fn config() -> ShedConfig {
    ShedConfig::default()
        // What is known need not be found out, and each worker that is idle meanwhile would be missed.
        .limit(WORKERS as u32)
        // Their number varies at random around the capacity, so a call that can wait is served after all. Oldest first,
        // as that leaves time to all of them; and with a wait after which a call still has twice the time it takes on
        // average.
        .queue(512)
        .max_wait(PATIENCE - 2 * WORK)
        .order(Order::Fifo)
}

/// Where calls say how much they matter.
pub(crate) const CRITICALITY: &str = "x-criticality";

pub(crate) fn service<S>(
    config: ShedConfig,
    service: S,
) -> BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>
where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let shedder = Shedder::new("api", config);
    let service = ServiceBuilder::new()
        .layer(ShedLayer::http(&shedder))
        .service(service);
    BoxCloneSyncService::new(
        service.map_response(|response: Response<_>| response.map(|_| Body::new())),
    )
}
