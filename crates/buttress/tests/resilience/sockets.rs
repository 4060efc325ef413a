//! The stacks on real sockets: axum as the server, reqwest as the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use buttress::breaker::CircuitState;
use buttress::resilience::ClientService;
use buttress::{BoxError, HttpClient, Reason, Rejection, Resilience};
use http::{Request, Response};
use tokio::net::TcpListener;
use tower::{Service, ServiceExt};

/// A user's own struct with a client as its field.
struct Payments {
    client: ClientService<HttpClient>,
    url: String,
}

impl Payments {
    fn new(resilience: &Resilience, url: &str) -> Self {
        // The servers are local, whatever proxy the environment sets.
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            client: resilience
                .client("payments")
                .unwrap()
                .service(client.into()),
            url: url.to_owned(),
        }
    }

    async fn get(&mut self) -> Result<(StatusCode, String), BoxError> {
        let request = Request::get(&self.url).body(reqwest::Body::default())?;
        let response: Response<_> = self.client.ready().await?.call(request).await?;
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(axum::body::Body::new(body), 1 << 16).await?;
        Ok((head.status, String::from_utf8(body.to_vec())?))
    }
}

/// Serves on loopback, and returns the URL.
async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app).into_future());
    url
}

fn hanging() -> Router {
    Router::new().route("/", get(std::future::pending::<()>))
}

/// Fails the first `failures` calls, and counts all of them.
fn failing(failures: u32) -> (Router, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let handler = move || async move {
        match counted.fetch_add(1, Ordering::Relaxed) < failures {
            true => StatusCode::SERVICE_UNAVAILABLE,
            false => StatusCode::OK,
        }
    };
    (Router::new().route("/", get(handler)), calls)
}

#[tokio::test(start_paused = true)]
async fn a_server_responds_to_a_late_call_with_a_problem() {
    let resilience = Resilience::from_toml("[server.api]\ndeadline.timeout = '1 s'").unwrap();
    let url = serve(hanging().layer(resilience.server("api").unwrap())).await;

    let resilience = Resilience::from_toml("[client.payments]").unwrap();
    let (status, body) = Payments::new(&resilience, &url).get().await.unwrap();
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
    assert!(body.contains("\"reason\":\"deadline_exceeded\""), "{body}");
}

#[tokio::test]
async fn a_client_retries_and_its_breaker_counts_each_attempt() {
    let (app, calls) = failing(1);
    let url = serve(app).await;
    let resilience = Resilience::from_toml(
        "[client.payments]\nretry.backoff = { base = '1 ms' }\nbreaker = {}\ndeadline = {}",
    );
    let resilience = resilience.unwrap();
    let (status, _) = Payments::new(&resilience, &url).get().await.unwrap();
    assert_eq!(status, StatusCode::OK);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    let snapshot = resilience.breaker("payments").unwrap().snapshot();
    assert_eq!(snapshot.circuit.counts.calls, 2);
}

#[tokio::test]
async fn patterns_missing_in_the_file_have_no_layer() {
    let (app, calls) = failing(100);
    let url = serve(app).await;
    let resilience = Resilience::from_toml("[client.payments]").unwrap();
    let mut payments = Payments::new(&resilience, &url);
    for _ in 0..20 {
        let (status, _) = payments.get().await.unwrap();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 20);
}

#[tokio::test(start_paused = true)]
async fn a_dependency_that_hangs_opens_the_circuit() {
    let url = serve(hanging()).await;
    let resilience = Resilience::from_toml(
        "[client.payments]\ndeadline.timeout = '1 s'\nbreaker.consecutive_failures = 3",
    );
    let resilience = resilience.unwrap();
    let mut payments = Payments::new(&resilience, &url);
    for expected in [
        Reason::DeadlineExceeded,
        Reason::DeadlineExceeded,
        Reason::DeadlineExceeded,
        Reason::CircuitOpen,
    ] {
        let error = payments.get().await.unwrap_err();
        let rejection = Rejection::find(&*error).unwrap();
        assert_eq!(rejection.reason(), expected);
        assert_eq!(rejection.layer(), "payments");
    }
    assert_eq!(
        resilience.breaker("payments").unwrap().state(),
        CircuitState::Open
    );
}

#[tokio::test(start_paused = true)]
async fn a_raised_limit_admits_more_calls_of_a_running_server() {
    let file = "[server.api]\ndeadline.timeout = '1 s'\nbulkhead.limit = 1";
    let server = Resilience::from_toml(file).unwrap();
    let url = serve(hanging().layer(server.server("api").unwrap())).await;
    let client = Resilience::from_toml("[client.payments]").unwrap();
    let told = async || {
        let calls = [1, 2].map(|_| {
            let mut payments = Payments::new(&client, &url);
            tokio::spawn(async move { payments.get().await.unwrap().0 })
        });
        let [one, two] = calls;
        let mut told = [one.await.unwrap(), two.await.unwrap()];
        told.sort();
        told
    };
    let (refused, late) = (StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(told().await, [refused, late]);
    server
        .reload(&file.replace("limit = 1", "limit = 2"))
        .unwrap();
    assert_eq!(told().await, [late, late]);
    assert_eq!(server.bulkhead("api").unwrap().snapshot().limit, 2);
}

#[tokio::test(start_paused = true)]
async fn a_running_server_uses_the_reloaded_configuration() {
    let server = Resilience::from_toml("[server.api]\ndeadline = {}").unwrap();
    let url = serve(hanging().layer(server.server("api").unwrap())).await;
    let client = Resilience::from_toml("[client.payments]").unwrap();

    let other = "[server.api]\ndeadline.timeout = '2 s'\nproblem.instance = true";
    server.reload(other).unwrap();
    let (status, body) = Payments::new(&client, &url).get().await.unwrap();
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
    assert!(body.contains("\"instance\":\"/\""), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_running_client_uses_the_reloaded_configuration() {
    let url = serve(hanging()).await;
    let file = "[client.payments]\ndeadline.timeout = '1 h'";
    let client = Resilience::from_toml(file).unwrap();
    let mut payments = Payments::new(&client, &url);

    client.reload(&file.replace("1 h", "1 s")).unwrap();
    let begun = tokio::time::Instant::now();
    let error = payments.get().await.unwrap_err();
    let rejection = Rejection::find(&*error).unwrap();
    assert_eq!(rejection.reason(), Reason::DeadlineExceeded);
    assert!(begun.elapsed() < Duration::from_secs(2));
}
