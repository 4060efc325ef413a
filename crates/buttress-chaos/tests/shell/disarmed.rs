use buttress_chaos::{ChaosLayer, Injector, InjectorConfig};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

/// Law: while it is disarmed, the injector has no effect on any byte.
#[tokio::test(start_paused = true)]
async fn a_disarmed_injector_changes_nothing() {
    let injector = Injector::new("test", InjectorConfig::default().fault_header(true));
    let bare = service_fn(|request: Request<()>| async move {
        let mut response = Response::builder().status(418).version(request.version());
        for (name, value) in request.headers() {
            response = response.header(name, value);
        }
        response.extension(7_u8).body(Full::from("hello, world"))
    });
    let request = || {
        let request = Request::builder().header("x-buttress-chaos", "down");
        request.header("x-request-id", "r-1").body(()).unwrap()
    };
    let (expected, expected_body) = bare.oneshot(request()).await.unwrap().into_parts();
    let service = ChaosLayer::client(&injector).layer(bare);
    let (head, body) = service.oneshot(request()).await.unwrap().into_parts();

    assert_eq!(head.status, expected.status);
    assert_eq!(head.version, expected.version);
    assert_eq!(head.headers, expected.headers);
    assert_eq!(head.extensions.get::<u8>(), Some(&7));
    assert_eq!(
        body.collect().await.unwrap().to_bytes(),
        expected_body.collect().await.unwrap().to_bytes()
    );
}
