//! All that stands between the service and those who call it.

use std::time::Duration;

use buttress::prelude::BoxError;
use buttress::shed::{Order, ShedConfig, ShedLayer, Shedder};
use http::{Request, Response};
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::backend::{Body, WORKERS};

/// Where calls say how much they matter.
pub(crate) const CRITICALITY: &str = "x-criticality";

pub(crate) fn service<S>(service: S) -> BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>
where
    S: Service<Request<Body>, Response = Response<Body>, Error: Into<BoxError>>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let config = ShedConfig::default()
        .limit(WORKERS as u32)
        // Users who send just what can be borne are best served in turn; the batch makes room for them.
        .queue(512)
        .order(Order::Fifo)
        .max_wait(Duration::from_millis(400));
    let shedder = Shedder::new("api", config);
    let service = ServiceBuilder::new()
        .layer(ShedLayer::http(&shedder))
        .service(service);
    BoxCloneSyncService::new(
        service.map_response(|response: Response<_>| response.map(|_| Body::new())),
    )
}
