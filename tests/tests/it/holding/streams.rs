//! Calls with long bodies: event streams, and downloads that are not read. They neither affect an adaptive limit nor
//! count against it.

use buttress::prelude::*;
use tokio::io::AsyncReadExt;
use tower::ServiceBuilder;

use crate::holding::support::{Downloads, ask, routes, serve, status, until};

#[tokio::test]
async fn long_bodies_do_not_use_up_a_default_shedder() {
    let shedder = Shedder::new("api", ShedConfig::default());
    let downloads = Downloads::default();
    let routes = routes(&downloads).layer(
        ServiceBuilder::new()
            .layer(ProblemLayer::default())
            .layer(ShedLayer::server(&shedder)),
    );
    let address = serve(routes).await;
    let mut open = Vec::new();
    for _ in 0..20 {
        let mut stream = ask(address, "/events").await;
        // Its head, and its event.
        while stream.read_u8().await.unwrap() != b'\n' {}
        open.push(stream);
        open.push(ask(address, "/endless").await);
    }
    until(|| downloads.open() == 20).await;
    for _ in 0..50 {
        assert_eq!(status(address, "/").await, 200);
    }
    until(|| shedder.snapshot().in_flight == 0).await;
    drop(open);
}
