//! An inner service that fails, and its response, for all tests.
#![allow(clippy::unwrap_used, reason = "a test panics if its set-up is wrong")]

use std::convert::Infallible;
use std::task::{Context, Poll};

use buttress_core::{BoxError, Reason, Rejection};
use buttress_problem::{ProblemBody, ProblemConfig, ProblemLayer, Problems};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceExt};

/// The body type of the inner services.
pub(crate) type Inner = Full<Bytes>;

/// An inner service that fails every call with the function's error.
#[derive(Clone)]
pub(crate) struct Fails<F>(pub(crate) F);

impl<F: Fn() -> BoxError, B> Service<Request<B>> for Fails<F> {
    type Response = Response<Inner>;
    type Error = BoxError;
    type Future = std::future::Ready<Result<Response<Inner>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        std::future::ready(Err(self.0()))
    }
}

/// A rejection of an open circuit with a wait of a second and a half.
pub(crate) fn refusal() -> BoxError {
    Rejection::new(Reason::CircuitOpen, "payments")
        .with_retry_after(std::time::Duration::from_millis(1_500))
        .into()
}

/// A request with these headers.
pub(crate) fn request(headers: &[(&'static str, &str)]) -> Request<Inner> {
    let mut request = Request::new(Inner::default());
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    request
}

/// The response to `request` if its call fails with `error`.
pub(crate) async fn answer(
    config: ProblemConfig,
    request: Request<Inner>,
    error: impl Fn() -> BoxError,
) -> Answer {
    let service = ProblemLayer::new(&Problems::new(config)).layer(Fails(error));
    let response: Result<_, Infallible> = service.oneshot(request).await;
    Answer::of(response.unwrap()).await
}

/// A response with its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: http::response::Parts,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) async fn of(response: Response<ProblemBody<Inner>>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { head, body }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}
