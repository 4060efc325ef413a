use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::get;
use http::StatusCode;
use tokio_stream::Empty;
use tonic::{Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::below::{Below, grpc_of};
use crate::hops::Hops;

/// A service in the middle: it works a little, and then calls the next.
#[derive(Debug, Clone)]
pub(crate) struct Tier<B> {
    pub(crate) name: &'static str,
    pub(crate) work: Duration,
    pub(crate) hops: Hops,
    pub(crate) below: B,
}

impl<B: Below> Tier<B> {
    /// Returns the tier as an HTTP server. As a gRPC server it is a health service, so that no other protocol is
    /// needed.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/", get(Self::over_http))
            .with_state(self)
    }

    async fn over_http(State(tier): State<Self>, request: Request) -> StatusCode {
        tier.hops.note(tier.name, request.headers());
        tier.answer().await
    }

    async fn answer(&self) -> StatusCode {
        if !self.work.is_zero() {
            tokio::time::sleep(self.work).await;
        }
        self.below.call().await
    }
}

#[tonic::async_trait]
impl<B: Below> Health for Tier<B> {
    type WatchStream = Empty<Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let headers = request.metadata().clone().into_headers();
        self.hops.note(self.name, &headers);
        grpc_of(self.answer().await)?;
        Ok(Response::new(HealthCheckResponse {
            status: ServingStatus::Serving.into(),
        }))
    }

    async fn watch(
        &self,
        _: tonic::Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("watching is not supported"))
    }
}
