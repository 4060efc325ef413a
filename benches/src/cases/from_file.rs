//! Stacks from a file, compared with the same layers in code.

use buttress::prelude::*;
use buttress::resilience::{ClientStack, ServerStack};
use bytes::Bytes;
use http_body_util::Empty;
use tower::ServiceBuilder;

use super::bare::{PAGE, Page};
use crate::case::Case;

type Request = http::Request<()>;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::service::<_, Request>("stack from a file, of nothing", || {
            ServiceBuilder::new()
                .map_request(replayable)
                .layer(client("[client.bench]"))
                .service(Page)
        })
        .over(PAGE),
        Case::service::<_, Request>("stack from a file: problem alone", || {
            server("[server.bench]").service(Page)
        })
        .over(PAGE),
        Case::service::<_, Request>("stack by hand: deadline > retry > breaker http", || {
            ServiceBuilder::new()
                .map_request(replayable)
                .layer(DeadlineLayer::client(&Deadlines::default()))
                .layer(RetryLayer::client(&Retry::new(
                    "bench",
                    RetryConfig::default(),
                )))
                .layer(BreakerLayer::client(&Breaker::new(
                    "bench",
                    BreakerConfig::default(),
                )))
                .service(Page)
        })
        .over(PAGE),
        Case::service::<_, Request>("stack from a file: deadline > retry > breaker http", || {
            ServiceBuilder::new()
                .map_request(replayable)
                .layer(client(
                    "[client.bench]\ndeadline = {}\nretry = {}\nbreaker = {}",
                ))
                .service(Page)
        })
        .over(PAGE),
    ]
}

fn client(text: &str) -> ClientStack {
    let client = file(text).client("bench");
    client.expect("the file has this client")
}

fn server(text: &str) -> ServerStack {
    let server = file(text).server("bench");
    server.expect("the file has this server")
}

fn file(text: &str) -> Resilience {
    Resilience::from_toml(text).expect("the file is valid")
}

fn replayable(request: Request) -> http::Request<ReplayBody<Empty<Bytes>>> {
    request.map(|()| ReplayBody::new(Empty::new()))
}
