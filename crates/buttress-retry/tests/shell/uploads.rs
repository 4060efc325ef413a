//! The time that callers take to send their requests does not affect the delay of a hedge.

use std::time::Duration;

use ::http::{Request, Response};
use buttress_core::BoxError;
use buttress_http::{ReplayBody, UploadBody, track_upload};
use buttress_retry::{Hedge, HedgeConfig, HedgeLayer};
use buttress_testkit::{Gate, TestBody};
use http_body_util::BodyExt;
use tokio::time::sleep;
use tower::{Layer, ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn a_hedge_measures_the_service_and_not_its_callers() {
    let hedge = Hedge::new("test", HedgeConfig::default().minimum_calls(10));
    let inner = service_fn(
        |request: Request<ReplayBody<UploadBody<TestBody>>>| async move {
            request.into_body().collect().await?;
            sleep(100 * MS).await;
            Ok::<_, BoxError>(Response::new(TestBody::empty()))
        },
    );
    let service = HedgeLayer::client(&hedge).layer(inner);
    for _ in 0..100 {
        let gate = Gate::new();
        let request = Request::put("/").body(TestBody::empty().wait(&gate).data("all of it"));
        let request = track_upload(request.unwrap()).map(ReplayBody::new);
        let send = async {
            sleep(2_000 * MS).await;
            gate.open();
        };
        let (answer, ()) = tokio::join!(service.clone().oneshot(request), send);
        answer.unwrap();
    }
    let delay = hedge.delay().unwrap();
    assert!(delay < 200 * MS, "{delay:?}");
}
