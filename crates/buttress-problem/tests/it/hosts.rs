//! The layer in axum, hyper and tonic.

use std::io;
use std::time::Duration;

use crate::common::{Fails, refusal};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use buttress_problem::{Problem, ProblemConfig, ProblemLayer, Problems};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tower::layer::layer_fn;
use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;
use tower::{Layer, ServiceBuilder, ServiceExt};

fn tower_problems() -> ProblemLayer {
    let config = ProblemConfig::default()
        .on(|_: &Elapsed| Problem::new(StatusCode::GATEWAY_TIMEOUT))
        .on(|_: &Overloaded| Problem::new(StatusCode::SERVICE_UNAVAILABLE));
    ProblemLayer::new(&Problems::new(config))
}

#[tokio::test(start_paused = true)]
async fn axum_accepts_fallible_layers_without_an_error_handler() {
    let app: Router = Router::new()
        .route("/", get(std::future::pending::<()>))
        .route("/quick", get(async || "quick"))
        .layer(
            ServiceBuilder::new()
                .layer(tower_problems())
                .load_shed()
                .concurrency_limit(8)
                .timeout(Duration::from_secs(2)),
        );
    let call = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap()
    };
    let late = call("/").await;
    assert_eq!(late.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(late.headers()["content-type"], "application/problem+json");
    assert_eq!(late.headers()["cache-control"], "no-store");
    let quick = call("/quick").await;
    assert_eq!(quick.status(), StatusCode::OK);
    assert_eq!(
        quick.into_body().collect().await.unwrap().to_bytes(),
        "quick"
    );
}

#[tokio::test]
async fn axum_accepts_the_layer_on_a_route_and_twice() {
    let app: Router = Router::new()
        .route("/", get(async || "here"))
        .route_layer(ProblemLayer::default())
        .layer(ProblemLayer::default());
    let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn an_axum_handler_can_return_a_problem() {
    let handler = async || -> Result<&str, Problem> {
        Err(Problem::new(StatusCode::CONFLICT).with_detail("It was changed."))
    };
    let app: Router = Router::new().route("/", get(handler));
    let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
}

#[tokio::test]
async fn the_problem_of_a_handler_gets_the_values_of_its_request() {
    let handler = tower::service_fn(|_: Request<()>| async {
        let problem = Problem::new(StatusCode::CONFLICT).with_detail("It was changed.");
        let mut response = http::Response::<http_body_util::Full<Bytes>>::from(problem);
        response
            .headers_mut()
            .insert("etag", "\"7\"".parse().unwrap());
        Ok::<_, std::convert::Infallible>(response)
    });
    let config = ProblemConfig::default().instance(true);
    let service =
        ProblemLayer::new(&Problems::new(config)).layer(ProblemLayer::default().layer(handler));
    let call = async |name: &str, value: &str| {
        let request = Request::get("/orders/7")
            .header("x-request-id", "r-1")
            .header(name, value);
        let response = service.clone().oneshot(request.body(()).unwrap()).await;
        let (head, body) = response.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head, String::from_utf8(body.to_vec()).unwrap())
    };
    let (head, body) = call("accept", "application/problem+json").await;
    assert_eq!(head.status, StatusCode::CONFLICT);
    assert_eq!(head.headers["x-request-id"], "r-1");
    assert_eq!(head.headers["etag"], "\"7\"");
    assert_eq!(head.headers["content-type"], "application/problem+json");
    assert_eq!(head.headers["content-length"], body.len().to_string());
    assert!(body.contains("\"request_id\":\"r-1\""), "{body}");

    let (head, body) = call("accept", "text/html").await;
    assert_eq!(head.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(body, "409 Conflict\nIt was changed.\nrequest id: r-1\n");

    let (head, body) = call("content-type", "application/grpc").await;
    assert_eq!((head.status, body.as_str()), (StatusCode::OK, ""));
    assert_eq!(head.headers["grpc-status"], "10");
    assert_eq!(head.headers["grpc-message"], "It was changed.");
}

#[tokio::test]
async fn hyper_sends_the_head_of_a_problem_and_keeps_the_connection() {
    let (mut client, server) = duplex(64 * 1024);
    let service = TowerToHyperService::new(ProblemLayer::default().layer(Fails(refusal)));
    let served = tokio::spawn(
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service),
    );
    let requests =
        "HEAD / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    client.write_all(requests.as_bytes()).await.unwrap();
    let mut answers = String::new();
    client.read_to_string(&mut answers).await.unwrap();
    served.await.unwrap().unwrap();

    let (head, get) = answers
        .split_once("\r\n\r\n")
        .expect("the head ends before the second response");
    let (get_head, body) = get.split_once("\r\n\r\n").expect("the response has a body");
    let length = format!("content-length: {}", body.len());
    for part in [head, get_head] {
        assert!(part.starts_with("HTTP/1.1 503"), "{part}");
        assert!(part.contains(&length), "{part}");
    }
    assert!(body.starts_with('{'), "{body}");
}

#[tokio::test]
async fn tonic_sends_a_rejection_as_a_status_and_not_as_a_broken_stream() {
    let (client, server) = duplex(64 * 1024);
    let stack = ServiceBuilder::new()
        .layer(ProblemLayer::default())
        .layer(layer_fn(|_: tonic::service::Routes| Fails(refusal)))
        .into_inner();
    let served = tokio::spawn(
        tonic::transport::Server::builder()
            .layer(stack)
            .add_routes(tonic::service::Routes::default())
            .serve_with_incoming(tokio_stream::once(Ok::<_, io::Error>(server))),
    );
    let connection =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(client));
    let (mut sender, connection) = connection.await.unwrap();
    let connected = tokio::spawn(connection);

    let request = Request::builder()
        .method(Method::POST)
        .uri("http://x/orders.Orders/Get")
        .header("content-type", "application/grpc")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let status = tonic::Status::from_header_map(response.headers()).unwrap();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert_eq!(response.headers()["grpc-retry-pushback-ms"], "1500");

    drop((sender, response));
    connected.await.unwrap().unwrap();
    served.await.unwrap().unwrap();
}
