//! The time that a service waits for the caller's request does not affect the limit.

use std::time::Duration;

use ::http::{Request, Response, StatusCode};
use buttress_core::{BoxError, Ending};
use buttress_http::{UploadBody, track_upload};
use buttress_shed::{ShedConfig, ShedLayer, Shedder, ThrottleConfig};
use buttress_testkit::{Gate, TestBody};
use http_body_util::BodyExt;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);

/// A service with a default shedder that reads the request, and then takes 50 ms.
fn server(
    shedder: &Shedder,
) -> impl Service<Request<TestBody>, Response: Send, Error = BoxError, Future: Send>
+ Clone
+ Send
+ 'static {
    let handler = service_fn(|request: Request<UploadBody<TestBody>>| async move {
        request.into_body().collect().await?;
        sleep(50 * MS).await;
        Ok::<_, BoxError>(Response::new(TestBody::empty()))
    });
    ServiceBuilder::new()
        .map_request(track_upload)
        .service(ShedLayer::server(shedder).layer(handler))
}

/// A request that its caller takes this long to send.
fn upload(takes: Duration) -> Request<TestBody> {
    let gate = Gate::new();
    let opened = gate.clone();
    tokio::spawn(async move {
        sleep(takes).await;
        opened.open();
    });
    Request::new(TestBody::empty().wait(&gate).data("all of it"))
}

/// The limit after some minutes of ten concurrent calls, every other one of them sent slowly.
async fn limit_after(takes: Duration, is_ended: bool) -> u64 {
    let shedder = Shedder::new("test", ShedConfig::default());
    let server = server(&shedder);
    for _ in 0..200 {
        let calls: JoinSet<_> = (0..10)
            .map(|number| {
                let takes = if number % 2 == 0 { takes } else { MS };
                let mut call = Box::pin(server.clone().oneshot(upload(takes)));
                async move {
                    if is_ended && tokio::time::timeout(500 * MS, &mut call).await.is_err() {
                        Ending::Expired.during(|| drop(call));
                    } else if !is_ended {
                        let _ = call.await;
                    }
                }
            })
            .collect();
        calls.join_all().await;
    }
    shedder.snapshot().limit.limit
}

#[tokio::test(start_paused = true)]
async fn slow_uploads_do_not_lower_the_limit() {
    let usual = limit_after(MS, false).await;
    assert!(usual >= 20, "{usual}");
    for is_ended in [false, true] {
        let limit = limit_after(2_000 * MS, is_ended).await;
        assert!(limit >= 20, "{limit}, ended: {is_ended}");
    }
}

/// A throttle does not hold back requests that are sent slowly.
#[tokio::test(start_paused = true)]
async fn requests_that_time_out_while_they_are_sent_do_not_throttle() {
    let config = ShedConfig::default().no_limit().queue(0);
    let shedder = Shedder::new("test", config.throttle(ThrottleConfig::default()));
    let dependency = service_fn(|request: Request<UploadBody<TestBody>>| async move {
        let _ = tokio::time::timeout(500 * MS, request.into_body().collect()).await;
        let mut response = Response::new(TestBody::empty());
        *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
        Ok::<_, BoxError>(response)
    });
    let client = ServiceBuilder::new()
        .map_request(track_upload)
        .service(ShedLayer::client(&shedder).layer(dependency));
    for _ in 0..200 {
        let _ = client.clone().oneshot(upload(2_000 * MS)).await;
    }
    let counted = shedder.snapshot().throttle.unwrap();
    assert_eq!((counted.accepted, counted.refused), (0, 0));
}
