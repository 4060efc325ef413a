//! The limit of a server, split by path.

use std::convert::Infallible;

use buttress::Resilience;
use http::{Request, Response, StatusCode};
use tower::{ServiceExt, service_fn};

fn file(shares: &str) -> String {
    format!("[server.api.bulkhead]\nlimit = 2\n[server.api.bulkhead.partitions]\n{shares}")
}

#[tokio::test(start_paused = true)]
async fn a_path_has_its_share_and_a_reload_changes_it() {
    let resilience = Resilience::from_toml(&file("'/checkout' = 0.5")).unwrap();
    let hangs = service_fn(|_: Request<String>| {
        std::future::pending::<Result<Response<String>, Infallible>>()
    });
    let server = resilience.server("api").unwrap().service(hangs);
    let ask = |path: &str| {
        let request = Request::get(path).body(String::new()).unwrap();
        tokio::spawn(server.clone().oneshot(request))
    };
    let parts = || {
        let snapshot = resilience.bulkhead("api").unwrap().snapshot();
        let parts = snapshot.partitions.iter();
        parts
            .map(|part| (part.share, part.in_flight))
            .collect::<Vec<_>>()
    };
    let calls = ["/search?q=1", "/search/2"].map(ask);
    while parts() != [(1, 2), (1, 0)] {
        tokio::task::yield_now().await;
    }
    let Ok(refused) = ask("/checkout/1").await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);

    // The next slot is reserved for it.
    let [first, second] = calls;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let Ok(refused) = ask("/search").await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let bought = ask("/checkout/1");
    while parts() != [(1, 1), (1, 1)] {
        tokio::task::yield_now().await;
    }

    resilience.reload(&file("'/checkout' = 1.0")).unwrap();
    assert_eq!(parts(), [(0, 1), (2, 1)]);
    bought.abort();
    second.abort();
}
