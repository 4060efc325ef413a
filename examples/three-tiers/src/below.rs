use std::future::Future;
use std::net::SocketAddr;

use axum::body::Body;
use buttress::prelude::*;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tonic::client::GrpcService;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::{Service, ServiceExt};

/// The next tier.
pub(crate) trait Below: Clone + Send + Sync + 'static {
    /// Calls it, and returns the result as an HTTP status.
    fn call(&self) -> impl Future<Output = StatusCode> + Send;
}

/// The next tier, over HTTP.
#[derive(Debug, Clone)]
pub(crate) struct OverHttp<S> {
    pub(crate) service: S,
    pub(crate) address: SocketAddr,
}

impl<S, B> Below for OverHttp<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: Send,
{
    async fn call(&self) -> StatusCode {
        let Ok(request) = Request::get(format!("http://{}/", self.address)).body(Body::empty())
        else {
            return StatusCode::INTERNAL_SERVER_ERROR;
        };
        match self.service.clone().oneshot(request).await {
            Ok(response) => response.status(),
            Err(error) => status_of(&*error.into()),
        }
    }
}

/// The next tier, over gRPC.
#[derive(Debug, Clone)]
pub(crate) struct OverGrpc<S>(pub(crate) HealthClient<S>);

impl<S> Below for OverGrpc<S>
where
    S: GrpcService<tonic::body::Body, Future: Send> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::ResponseBody: http_body::Body<Data = Bytes, Error: Into<BoxError> + Send> + Send + 'static,
{
    async fn call(&self) -> StatusCode {
        let answer = self.0.clone().check(HealthCheckRequest::default()).await;
        answer.map_or_else(|status| http_of(&status), |_| StatusCode::OK)
    }
}

/// Returns the status for the caller after an error.
fn status_of(error: &(dyn std::error::Error + 'static)) -> StatusCode {
    match Rejection::find(error).map(Rejection::reason) {
        Some(Reason::DeadlineExceeded | Reason::DeadlineExpired | Reason::DeadlineTooShort) => {
            StatusCode::GATEWAY_TIMEOUT
        }
        _ => StatusCode::BAD_GATEWAY,
    }
}

fn http_of(status: &Status) -> StatusCode {
    match status.code() {
        Code::DeadlineExceeded | Code::Cancelled => StatusCode::GATEWAY_TIMEOUT,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        // An error of a layer is the source of the status of tonic's client.
        _ => status_of(status),
    }
}

/// Returns the same as a gRPC status.
pub(crate) fn grpc_of(status: StatusCode) -> Result<(), Status> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::GATEWAY_TIMEOUT => {
            Err(Status::deadline_exceeded("the leaf exceeded the deadline"))
        }
        _ => Err(Status::unavailable("the leaf failed")),
    }
}
