//! How whole stacks read responses and errors: statuses that are errors, gRPC-Web, URLs that cannot be sent, and
//! faults that are decided for each attempt.
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use buttress::breaker::CircuitState;
use buttress::chaos::{
    Answer, ChaosLayer, Draw, Fault, Injector, InjectorConfig, Plan, PlannedFault,
};
use buttress::prelude::*;
use buttress::retry::BudgetConfig;
use buttress_core::Ratio;
use buttress_testkit::TestBody;
use http::{Request, Response};
use tonic::Status;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};

#[tokio::test(start_paused = true)]
async fn a_status_as_an_error_has_the_outcome_of_its_code() {
    let breaker = Breaker::new("b", BreakerConfig::default());
    let retry = Retry::new("r", RetryConfig::default());
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let invalid = service_fn(move |_: ()| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Err::<(), _>(Status::invalid_argument("no such field")) }
    });
    let retried = RetryLayer::new(&retry).layer(invalid.clone());
    assert!(retried.oneshot(()).await.is_err());
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    for _ in 0..10 {
        let guarded = BreakerLayer::new(&breaker).layer(invalid.clone());
        assert!(guarded.oneshot(()).await.is_err());
    }
    assert_eq!(breaker.state(), CircuitState::Closed);

    let down = service_fn(|_: ()| async { Err::<(), _>(Status::unavailable("")) });
    for _ in 0..10 {
        let guarded = BreakerLayer::new(&breaker).layer(down);
        assert!(guarded.oneshot(()).await.is_err());
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test]
async fn a_status_as_an_error_becomes_a_response_with_its_code() {
    for (status, code, message) in [
        (Status::not_found("no such order"), "5", "no such order"),
        (
            Status::internal("row 7 of orders_v2"),
            "13",
            "Internal Server Error",
        ),
    ] {
        let status = std::sync::Mutex::new(Some(status));
        let handler = service_fn(|_: Request<()>| {
            let status = status.lock().unwrap().take().unwrap();
            async { Err::<Response<TestBody>, _>(status) }
        });
        let request = Request::builder().header("content-type", "application/grpc");
        let service = ProblemLayer::default().layer(handler);
        let answer = service.oneshot(request.body(()).unwrap()).await.unwrap();
        assert_eq!(answer.headers()["grpc-status"], code);
        let said = answer.headers()["grpc-message"].to_str().unwrap();
        assert_eq!(said, message.replace('%', "%25"));
    }
}

#[tokio::test]
async fn a_status_in_the_head_of_grpc_web_opens_the_circuit() {
    let breaker = Breaker::new("b", BreakerConfig::default().consecutive_failures(3));
    let down = service_fn(|_: Request<()>| async {
        let response = Response::builder()
            .header("content-type", "application/grpc-web+proto")
            .header("grpc-status", "14");
        Ok::<_, Infallible>(response.body(TestBody::empty()).unwrap())
    });
    let service = BreakerLayer::client(&breaker).layer(down);
    for _ in 0..3 {
        service.clone().oneshot(Request::new(())).await.unwrap();
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}

#[tokio::test]
async fn a_url_that_cannot_be_sent_is_the_callers_mistake() {
    let breaker = Breaker::new("b", BreakerConfig::default().consecutive_failures(2));
    let retry = Retry::new("r", RetryConfig::default());
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    // Built without TLS.
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let client = ServiceBuilder::new()
        .layer(RetryLayer::client(&retry))
        .layer(BreakerLayer::client(&breaker))
        .map_request(move |request: Request<reqwest::Body>| {
            counted.fetch_add(1, Ordering::Relaxed);
            request
        })
        .service(HttpClient::from(client));
    for _ in 0..4 {
        let request = Request::get("https://127.0.0.1:1/").body("".into());
        assert!(client.clone().oneshot(request.unwrap()).await.is_err());
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
    assert_eq!(calls.load(Ordering::Relaxed), 4);

    // The same with hyper-util's client, without an adapter that has read its errors.
    let connector = hyper_util::rt::TokioExecutor::new();
    let client = hyper_util::client::legacy::Client::builder(connector).build_http();
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let client = ServiceBuilder::new()
        .layer(RetryLayer::client(&retry))
        .layer(BreakerLayer::client(&breaker))
        .map_request(move |request: Request<ReplayBody<TestBody>>| {
            counted.fetch_add(1, Ordering::Relaxed);
            request
        })
        .service(client);
    for url in ["https://127.0.0.1:1/", "/relative"] {
        for _ in 0..4 {
            let request = Request::get(url).body(ReplayBody::new(TestBody::empty()));
            assert!(client.clone().oneshot(request.unwrap()).await.is_err());
        }
        assert_eq!(breaker.state(), CircuitState::Closed, "{url}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 8);
}

/// Three attempts with a fault rate of 30 %: of 1000 calls, 27 fail on average, and 300 if all attempts of a call
/// have the same fault.
#[tokio::test(start_paused = true)]
async fn an_experiment_shows_the_effect_of_retries() {
    let succeeded = async |traced: bool, draw| {
        let injector = Injector::new("database", InjectorConfig::default());
        let down = PlannedFault::new("down", Fault::Answer(Answer::Status(503)));
        let plan = Plan::new(7).fault(down.rate(Ratio::percent(30))).draw(draw);
        injector.arm(plan).unwrap();
        let budget = BudgetConfig::default().ratio(1.0).floor_per_second(1_000);
        let budget = budget.in_flight_share(None);
        let retry = Retry::new("database", RetryConfig::default().budget(budget));
        let inner = service_fn(|_: Request<axum::body::Body>| async {
            Ok::<_, Infallible>(Response::new(TestBody::empty()))
        });
        let service = RetryLayer::client(&retry).layer(ChaosLayer::client(&injector).layer(inner));
        let mut well = 0;
        for n in 0..1_000 {
            let mut request = Request::get("/");
            if traced {
                request = request.header("x-request-id", format!("request-{n}"));
            }
            let request = request.body(axum::body::Body::empty()).unwrap();
            let response = service.clone().oneshot(request).await.unwrap();
            well += u32::from(response.status() == 200);
        }
        well
    };
    for traced in [false, true] {
        let well = succeeded(traced, Draw::default()).await;
        assert!((950..=990).contains(&well), "{well}");
    }
    let well = succeeded(true, Draw::PerCall).await;
    assert!((650..=750).contains(&well), "{well}");
}
