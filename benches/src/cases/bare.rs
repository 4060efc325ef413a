//! The inner services alone, which are part of every other figure.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use buttress_core::{BoxError, Rejection};
use bytes::Bytes;
use http_body_util::Full;
use tower::Service;

use crate::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::service::<_, u64>(ECHO, || Echo).contended(),
        Case::service::<_, http::Request<()>>(PAGE, || Page).over(ECHO),
        Case::service::<_, u64>(BOX, Boxed::default)
            .over(ECHO)
            .failing(),
    ]
}

/// The name of [`Echo`]'s case.
pub const ECHO: &str = "bare";
/// The name of [`Page`]'s case.
pub const PAGE: &str = "bare http";
/// The name of [`Boxed`]'s case.
pub const BOX: &str = "bare, failing with a box";

/// Returns the request as the response, at once.
#[derive(Debug, Clone, Copy)]
pub struct Echo;

impl Service<u64> for Echo {
    type Response = u64;
    type Error = Failed;
    type Future = Ready<Result<u64, Failed>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u64) -> Self::Future {
        ready(Ok(request))
    }
}

/// The error type of [`Echo`].
#[derive(Debug, Clone, Copy)]
pub struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed")
    }
}

impl std::error::Error for Failed {}

/// Responds with a short page, at once.
#[derive(Debug, Clone, Copy)]
pub struct Page;

impl<B> Service<http::Request<B>> for Page {
    type Response = http::Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<B>) -> Self::Future {
        ready(Ok(http::Response::new(Full::new(Bytes::from_static(
            b"a short page",
        )))))
    }
}

/// Fails at once with a box of the size of a [`Rejection`]: the minimum cost of any rejection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Boxed {
    refusal: Refusal,
}

impl Service<u64> for Boxed {
    type Response = u64;
    type Error = BoxError;
    type Future = Ready<Result<u64, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: u64) -> Self::Future {
        ready(Err(Box::new(self.refusal)))
    }
}

/// As large as a [`Rejection`], and not all zero, because zeroed memory is allocated differently.
#[derive(Debug, Clone, Copy)]
struct Refusal(#[expect(dead_code, reason = "there for its size")] [u8; size_of::<Rejection>()]);

impl Default for Refusal {
    fn default() -> Self {
        Self([1; size_of::<Rejection>()])
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refusal {}
