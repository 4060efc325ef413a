use buttress_core::Reason;
use buttress_shed::ShedLayer;
use buttress_testkit::{ReadyProbe, Script, TestBody};
use http::Response;
use tower::Layer;

use crate::support::{call, reason, request, shedder};

#[tokio::test(start_paused = true)]
async fn a_call_over_http_holds_its_place_to_the_end_of_its_body() {
    let shedder = shedder(1, 0);
    let (inner, probe) = ReadyProbe::new();
    let service = ShedLayer::http(&shedder).layer(inner);
    let body = TestBody::empty().data("a").data("b");
    probe.script(Script::new().ok(Response::new(body)));
    let response = call(&service, request()).await.unwrap();
    assert_eq!(shedder.snapshot().in_flight, 1);
    let second = call(&service, request()).await;
    assert_eq!(reason(&second), Some(Reason::LimitReached));
    drop(response);
    assert_eq!(shedder.snapshot().in_flight, 0);
    call(&service, request()).await.unwrap();
}
