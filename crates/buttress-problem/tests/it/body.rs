//! Successful responses are not changed.

use crate::common::request;
use buttress_core::BoxError;
use buttress_problem::ProblemLayer;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use tower::{Layer, ServiceExt, service_fn};

async fn through<B>(body: B) -> buttress_problem::ProblemBody<B> {
    let mut body = Some(body);
    let inner = service_fn(|_| {
        std::future::ready(Ok::<_, BoxError>(Response::new(
            body.take().expect("it is called once"),
        )))
    });
    let Ok(response) = ProblemLayer::default()
        .layer(inner)
        .oneshot(request(&[]))
        .await;
    assert!(response.headers().is_empty());
    response.into_body()
}

#[tokio::test]
async fn the_size_and_the_end_are_those_of_the_inner_body() {
    let full = through(Full::new(Bytes::from_static(b"1234"))).await;
    assert_eq!(full.size_hint().exact(), Some(4));
    assert!(!full.is_end_stream());
    assert!(through(Empty::<Bytes>::new()).await.is_end_stream());
}

#[tokio::test]
async fn frames_and_trailers_are_not_changed() {
    let trailers = HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_static("x"))]);
    let frames = [
        Ok::<_, BoxError>(Frame::data(Bytes::from_static(b"a"))),
        Ok(Frame::data(Bytes::from_static(b"b"))),
        Ok(Frame::trailers(trailers.clone())),
    ];
    let body = through(StreamBody::new(tokio_stream::iter(frames))).await;
    assert_eq!(body.size_hint().exact(), None);
    let collected = body.collect().await.unwrap();
    assert_eq!(collected.trailers(), Some(&trailers));
    assert_eq!(collected.to_bytes(), "ab");
}

#[tokio::test]
async fn an_error_of_the_inner_body_is_not_changed() {
    let frames = [Err::<Frame<Bytes>, _>(std::fmt::Error)];
    let body = through(StreamBody::new(tokio_stream::iter(frames))).await;
    assert_eq!(body.collect().await.unwrap_err(), std::fmt::Error);
}
