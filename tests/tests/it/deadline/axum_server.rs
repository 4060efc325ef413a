//! axum: handlers, their bodies, and their calls.

use std::convert::Infallible;
use std::future::pending;

use axum::Router;
use axum::routing::get;
use axum::{Extension, body::Body};
use buttress::prelude::*;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::deadline::support::{self, SOON, client, endless, serve, within};

fn behind(config: DeadlineConfig, app: Router) -> Router {
    app.layer(
        ServiceBuilder::new()
            .layer(ProblemLayer::default())
            .layer(DeadlineLayer::server(&Deadlines::new("api", config))),
    )
}

async fn ask(app: Router, name: &'static str, value: &'static str) -> (StatusCode, String) {
    let address = serve(app).await;
    let mut request = support::get(address, "/");
    request.headers_mut().insert(name, value.parse().unwrap());
    let response = within(client().request(request)).await.unwrap();
    let status = response.status();
    let body = within(response.into_body().collect()).await.unwrap();
    (status, String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

#[tokio::test]
async fn a_late_handler_is_ended_with_a_problem() {
    let app = Router::new().route("/", get(pending::<()>));
    let app = behind(DeadlineConfig::default(), app);
    let (status, body) = ask(app, "x-envoy-expected-rq-timeout-ms", "60").await;
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
    assert!(body.contains("deadline_exceeded"), "{body}");
}

#[tokio::test]
async fn an_expired_call_never_reaches_its_handler() {
    let handler = async || -> () { panic!("called") };
    let app = Router::new().route("/", get(handler));
    let app = behind(DeadlineConfig::default(), app);
    let (status, body) = ask(app, "connect-timeout-ms", "0").await;
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
    assert!(body.contains("deadline_expired"), "{body}");
}

#[tokio::test]
async fn a_handler_finds_its_deadline_in_the_task_and_in_the_request() {
    let handler = async |Extension(deadline): Extension<Deadline>| {
        assert_eq!(Deadline::current(), Some(deadline));
        tokio::spawn(buttress::deadline::carry(async move {
            assert_eq!(Deadline::current(), Some(deadline));
        }))
        .await
        .unwrap();
    };
    let app = Router::new().route("/", get(handler));
    let app = behind(DeadlineConfig::default(), app);
    let (status, _) = ask(app, "grpc-timeout", "30S").await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_late_body_ends_with_an_error_for_its_reader() {
    let app = Router::new().route("/", get(async || Response::new(endless())));
    let address = serve(behind(DeadlineConfig::default().timeout(SOON), app)).await;
    let answer = async {
        let response = client().request(support::get(address, "/")).await?;
        assert_eq!(response.status(), StatusCode::OK);
        Ok::<_, BoxError>(response.into_body().collect().await?)
    };
    assert!(within(answer).await.is_err());
}

/// The remaining time shrinks from hop to hop, and no code passes it on.
#[tokio::test]
async fn the_remaining_time_shrinks_from_hop_to_hop() {
    fn received(request: &Request<Body>) -> u64 {
        let header = request.headers().get("x-envoy-expected-rq-timeout-ms");
        header.unwrap().to_str().unwrap().parse().unwrap()
    }
    let calls_on = |next: Option<std::net::SocketAddr>| {
        let handler = async move |request: Request<Body>| {
            let mut all = received(&request).to_string();
            if let Some(next) = next {
                let service = ServiceBuilder::new()
                    .layer(DeadlineLayer::client(&Deadlines::default()))
                    .service(client());
                let response = service.oneshot(support::get(next, "/")).await.unwrap();
                let body = response.into_body().collect().await.unwrap().to_bytes();
                all = format!("{all} {}", String::from_utf8_lossy(&body));
            }
            all
        };
        behind(
            DeadlineConfig::default(),
            Router::new().route("/", get(handler)),
        )
    };
    let leaf = serve(calls_on(None)).await;
    let middle = serve(calls_on(Some(leaf))).await;
    let top = calls_on(Some(middle));
    let (status, body) = ask(top, "x-envoy-expected-rq-timeout-ms", "30000").await;
    assert_eq!(status, StatusCode::OK);
    let times: Vec<u64> = body.split(' ').map(|time| time.parse().unwrap()).collect();
    assert_eq!(times.len(), 3);
    // Each hop subtracts at least a margin and an offset.
    assert!(
        times.is_sorted_by(|above, below| *above >= below + 6),
        "{times:?}"
    );
}

/// axum creates the layer's service for each route, and requires an `Infallible` error.
#[tokio::test]
async fn a_fallible_service_can_be_a_route() {
    let service = ServiceBuilder::new()
        .layer(ProblemLayer::default())
        .layer(DeadlineLayer::server(&Deadlines::new(
            "api",
            DeadlineConfig::default().timeout(SOON),
        )))
        .service(service_fn(async |_: Request<Body>| {
            pending::<()>().await;
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let app: Router = Router::new().route_service("/", service);
    let response = within(app.oneshot(Request::new(Body::empty()))).await;
    assert_eq!(response.unwrap().status(), StatusCode::GATEWAY_TIMEOUT);
}
