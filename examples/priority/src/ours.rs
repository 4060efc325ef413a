//! The layers between the service and its callers.

use buttress::prelude::BoxError;
use buttress::shed::{Order, ShedConfig, ShedLayer, Shedder};
use http::{Request, Response};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::backend::{Body, WORK, WORKERS};
use crate::load::PATIENCE;

/// For users with a load of exactly the capacity, which the defaults are not made for.
pub(crate) fn config() -> ShedConfig {
    ShedConfig::default()
        // The limit is known and need not be searched for, which would leave workers idle.
        .limit(WORKERS as u32)
        // The arrivals vary around the capacity, so a call that can wait is still served. The oldest first, because
        // all of them have time left; and with a wait after which a call still has twice its mean time.
        .queue(512)
        .max_wait(PATIENCE - 2 * WORK)
        .order(Order::Fifo)
}

/// The header of the criticality.
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
        .layer(ShedLayer::server(&shedder))
        .service(service);
    BoxCloneSyncService::new(
        service.map_response(|response: Response<_>| response.map(|_| Body::new())),
    )
}
