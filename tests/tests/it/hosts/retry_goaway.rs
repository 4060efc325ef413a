//! HTTP/2 frames that state that a request was never processed.

use buttress::Direct;
use buttress::prelude::*;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::{ServiceBuilder, ServiceExt};

use crate::hosts::support::{listen, uri, within};

/// Frames of HTTP/2 (RFC 9113): nine octets of head, then the payload.
const PREFACE: usize = 24;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const EMPTY_SETTINGS: &[u8] = &[0, 0, 0, SETTINGS, 0, 0, 0, 0, 0];
const SETTINGS_ACK: &[u8] = &[0, 0, 0, SETTINGS, 1, 0, 0, 0, 0];
const GOAWAY: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0];

/// Error codes (section 7).
const NO_ERROR: u8 = 0;
const INTERNAL_ERROR: u8 = 2;
const REFUSED_STREAM: u8 = 7;
const CANCEL: u8 = 8;

/// Speaks enough HTTP/2 to respond to the first request with these frames, on its stream. Then it closes the
/// connection, or waits until the client does.
async fn answer(
    mut socket: TcpStream,
    hangs_up: bool,
    frames: impl Fn([u8; 4]) -> Vec<u8>,
) -> std::io::Result<()> {
    socket.read_exact(&mut [0; PREFACE]).await?;
    socket.write_all(EMPTY_SETTINGS).await?;
    loop {
        let mut head = [0; 9];
        socket.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        socket.read_exact(&mut vec![0; length as usize]).await?;
        match head[3] {
            SETTINGS if head[4] == 0 => socket.write_all(SETTINGS_ACK).await?,
            HEADERS => {
                let stream = [head[5], head[6], head[7], head[8]];
                socket.write_all(&frames(stream)).await?;
                if hangs_up {
                    return Ok(());
                }
                return socket.read_to_end(&mut Vec::new()).await.map(drop);
            }
            _ => {}
        }
    }
}

/// The result of a POST whose first attempt gets these frames, and whose second gets a 200.
async fn post(hangs_up: bool, frames: fn([u8; 4]) -> Vec<u8>) -> Option<StatusCode> {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let (first, _) = listener.accept().await?;
        let first = tokio::spawn(answer(first, hangs_up, frames));
        let (second, _) = listener.accept().await?;
        answer(second, false, fine).await?;
        first.await?
    });
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http::<ReplayBody<Full<Bytes>>>();
    let retry = Retry::new("test", RetryConfig::default());
    let service = ServiceBuilder::new()
        .layer(RetryLayer::client(&retry))
        .service(Direct::new(client));
    let body = ReplayBody::new(Full::from("{}"));
    let request = Request::post(uri(address, "/")).body(body).unwrap();
    let response = within(service.oneshot(request)).await;
    response.ok().map(|response| response.status())
}

/// The status 200, as in the static table.
fn fine(stream: [u8; 4]) -> Vec<u8> {
    [&[0, 0, 1, HEADERS, 5], &stream[..], &[0x88]].concat()
}

fn goaway(last_stream: [u8; 4], code: u8) -> Vec<u8> {
    [GOAWAY, &last_stream, &[0, 0, 0, code]].concat()
}

/// F11: GOAWAY names a last stream below ours, which is the same evidence as REFUSED_STREAM.
#[tokio::test]
async fn a_request_above_the_last_stream_of_a_goaway_is_retried() {
    let response = post(false, |_| goaway([0; 4], NO_ERROR));
    assert_eq!(response.await, Some(StatusCode::OK));
}

#[tokio::test]
async fn a_goaway_with_an_error_is_no_evidence() {
    assert_eq!(post(false, |_| goaway([0; 4], INTERNAL_ERROR)).await, None);
}

/// The peer may have processed it before the connection ended.
#[tokio::test]
async fn a_request_up_to_the_last_stream_of_a_goaway_is_not_retried() {
    assert_eq!(post(true, |stream| goaway(stream, NO_ERROR)).await, None);
}

#[tokio::test]
async fn a_refused_stream_is_retried_and_a_cancelled_one_is_not() {
    fn reset(stream: [u8; 4], code: u8) -> Vec<u8> {
        [&[0, 0, 4, RST_STREAM, 0], &stream[..], &[0, 0, 0, code]].concat()
    }
    let refused = post(false, |stream| {
        [reset(stream, REFUSED_STREAM), goaway(stream, NO_ERROR)].concat()
    });
    assert_eq!(refused.await, Some(StatusCode::OK));
    assert_eq!(post(false, |stream| reset(stream, CANCEL)).await, None);
}
