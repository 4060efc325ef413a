//! The bodies of reqwest, axum and tonic.

#![cfg(any(feature = "axum", feature = "reqwest", feature = "tonic"))]

use buttress_core::BoxError;
use buttress_http::Replay;
use buttress_testkit::TestBody;
use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;

async fn text<B>(body: B) -> Bytes
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    match body.collect().await.map_err(Into::into) {
        Ok(collected) => collected.to_bytes(),
        Err(error) => panic!("{error}"),
    }
}

async fn replays<B>(body: B)
where
    B: Replay<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let length = body.size_hint().exact();
    let (first, tape) = body.record(64).ok().expect("it is small");
    assert_eq!(first.size_hint().exact(), length);
    assert_eq!(text(first).await, "hello");
    for _ in 0..2 {
        let again = B::replay(&tape).expect("it is recorded");
        assert_eq!(again.size_hint().exact(), length);
        assert_eq!(text(again).await, "hello");
    }
}

async fn replays_nothing<B>(body: B)
where
    B: Replay<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let (first, tape) = body.record(64).ok().expect("it is small");
    for body in [first, B::replay(&tape).expect("it is recorded")] {
        assert!(body.is_end_stream());
        assert_eq!(text(body).await, "");
    }
}

fn stream() -> TestBody {
    TestBody::empty().data("he").pending().data("llo")
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axum() {
    use axum_core::body::Body;

    replays(Body::from("hello")).await;
    replays(Body::new(stream())).await;
    replays_nothing(Body::empty()).await;
}

#[cfg(feature = "reqwest")]
#[tokio::test]
async fn reqwest() {
    use reqwest::Body;

    replays(Body::from("hello")).await;
    replays(Body::wrap(stream())).await;
    replays_nothing(Body::default()).await;

    // A body in memory stays in memory, so that reqwest can follow a 307 with it.
    let (first, tape) = Body::from("hello").record(64).ok().unwrap();
    assert!(first.as_bytes().is_some());
    assert!(Body::replay(&tape).unwrap().as_bytes().is_some());
    assert!(Body::from(vec![0; 65]).record(64).is_err());
}

#[cfg(feature = "tonic")]
#[tokio::test]
async fn tonic() {
    use tonic::body::Body;

    replays(Body::new(stream())).await;
    replays_nothing(Body::empty()).await;
}
