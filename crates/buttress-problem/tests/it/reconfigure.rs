//! A configuration that is replaced while there are services and calls.

use std::fmt;

use buttress_core::BoxError;
use buttress_problem::{Problem, ProblemConfig, ProblemLayer, Problems};
use http::{HeaderName, StatusCode};
use tower::{Layer, Service, ServiceExt};

use crate::common::{Answer, Fails, request};

/// The service, its clones, and services of other layers of the handle.
#[tokio::test]
async fn all_services_of_a_handle_use_the_new_configuration() {
    let problems = Problems::default();
    let first = ProblemLayer::new(&problems).layer(Fails(error));
    let layer = ProblemLayer::new(&problems.clone());
    let (clone, second) = (first.clone(), layer.layer(Fails(error)));

    problems.reconfigure(teapot());
    let third = layer.layer(Fails(error));
    for service in [first, clone, second, third] {
        let Ok(response) = service.oneshot(request(&[])).await;
        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    }
}

#[tokio::test]
async fn a_call_in_flight_keeps_the_configuration() {
    let problems = Problems::new(teapot());
    let mut service = ProblemLayer::new(&problems).layer(Fails(error));
    let headers = [("x-request-id", "one"), ("x-other-id", "two")];
    let in_flight = service.call(request(&headers));

    let other = HeaderName::from_static("x-other-id");
    problems.reconfigure(ProblemConfig::default().request_id_header(other));
    let Ok(before) = in_flight.await;
    let Ok(after) = service.call(request(&headers)).await;
    let (before, after) = (Answer::of(before).await, Answer::of(after).await);
    assert_eq!(
        (before.head.status.as_u16(), after.head.status.as_u16()),
        (418, 500)
    );
    assert_eq!(before.header("x-request-id"), Some("one"));
    assert_eq!(
        (after.header("x-request-id"), after.header("x-other-id")),
        (None, Some("two"))
    );
}

#[test]
fn a_handle_returns_the_problem_of_an_error() {
    let problems = Problems::default();
    assert_eq!(
        problems.of(&fmt::Error).status(),
        StatusCode::INTERNAL_SERVER_ERROR
    );
    problems.reconfigure(
        problems
            .config()
            .on(|_: &fmt::Error| Problem::new(StatusCode::GONE)),
    );
    assert_eq!(problems.clone().of(&fmt::Error).status(), StatusCode::GONE);
}

fn teapot() -> ProblemConfig {
    ProblemConfig::default().on(|_: &fmt::Error| Problem::new(StatusCode::IM_A_TEAPOT))
}

fn error() -> BoxError {
    fmt::Error.into()
}
