//! What HTTP/2 says was never processed.

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

use crate::support::{listen, uri, within};

/// Frames of HTTP/2 (RFC 9113): nine octets of head, then the payload.
const PREFACE: usize = 24;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const EMPTY_SETTINGS: &[u8] = &[0, 0, 0, SETTINGS, 0, 0, 0, 0, 0];
const SETTINGS_ACK: &[u8] = &[0, 0, 0, SETTINGS, 1, 0, 0, 0, 0];

/// Speaks as much HTTP/2 as it takes, and answers the first request with these frames, on the stream it came on.
async fn answer(mut socket: TcpStream, frames: impl Fn([u8; 4]) -> Vec<u8>) -> std::io::Result<()> {
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
                // Until the client hangs up.
                return socket.read_to_end(&mut Vec::new()).await.map(drop);
            }
            _ => {}
        }
    }
}

/// F11: GOAWAY names a last stream below ours, which says as much as REFUSED_STREAM. A GOAWAY for an error does not.
#[tokio::test]
async fn a_request_above_the_last_stream_of_a_goaway_is_made_again() {
    const GOAWAY: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0];
    const NO_ERROR: [u8; 4] = [0; 4];
    const INTERNAL_ERROR: [u8; 4] = [0, 0, 0, 2];
    for (code, expected) in [(NO_ERROR, Some(StatusCode::OK)), (INTERNAL_ERROR, None)] {
        let (listener, address) = listen().await;
        tokio::spawn(async move {
            let (first, _) = listener.accept().await?;
            let last_stream = [0; 4];
            let goaway = move |_| [GOAWAY, &last_stream, &code].concat();
            let first = tokio::spawn(answer(first, goaway));
            let (second, _) = listener.accept().await?;
            // The status 200, as it stands in the static table.
            let fine = |stream: [u8; 4]| [&[0, 0, 1, HEADERS, 5], &stream[..], &[0x88]].concat();
            answer(second, fine).await?;
            first.await?
        });
        let client = Client::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http::<ReplayBody<Full<Bytes>>>();
        let retry = Retry::new("test", RetryConfig::default());
        let service = ServiceBuilder::new()
            .layer(RetryLayer::http(&retry))
            .service(Direct::new(client));
        let body = ReplayBody::new(Full::from("{}"));
        let request = Request::post(uri(address, "/")).body(body).unwrap();
        let response = within(service.oneshot(request)).await;
        assert_eq!(response.ok().map(|response| response.status()), expected);
    }
}
