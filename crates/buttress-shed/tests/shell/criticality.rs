use std::sync::{Arc, Mutex};

use ::http::{HeaderName, Request, Response};
use buttress_core::{BoxError, Reason};
use buttress_shed::{Criticality, ShedConfig, ShedLayer, Shedder, TenantsConfig, Trust};
use buttress_testkit::TestBody;
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{
    begin, behind, call, criticality_inside, reason, request, shedder, slow, try_begin,
    with_criticality,
};

#[tokio::test(start_paused = true)]
async fn more_critical_calls_are_first_and_evict_less_critical_ones() {
    let shedder = shedder(1, 2);
    let (service, probe) = behind(&shedder);
    probe.script(slow(1_000));
    let inside = begin(&service, request());
    let low = begin(&service, with_criticality("low"));
    let first = begin(&service, request());
    let second = begin(&service, request());
    let refused = call(&service, with_criticality("low")).await;
    assert_eq!(reason(&refused), Some(Reason::CriticalityTooLow));
    let displaced = low.await;
    assert_eq!(reason(&displaced), Some(Reason::CriticalityTooLow));
    drop((inside, first, second));
    assert_eq!(shedder.snapshot().in_flight, 0);
}

/// The criticality in a handler, for each header and each policy.
#[tokio::test]
async fn an_unknown_caller_may_lower_and_not_raise_the_criticality() {
    for (trust, word, known) in [
        (Trust::LowerOnly, "low", Some(Criticality::Low)),
        (Trust::LowerOnly, "high", Some(Criticality::High)),
        (Trust::LowerOnly, "critical", None),
        (Trust::LowerOnly, "urgent", None),
        (Trust::Never, "low", None),
        (Trust::Always, "critical", Some(Criticality::Critical)),
        (Trust::Always, "CRITICAL", Some(Criticality::Critical)),
    ] {
        let layer = ShedLayer::server(&shedder(10, 0)).trust(trust);
        assert_eq!(
            criticality_inside(&layer, with_criticality(word)).await,
            known,
            "{trust:?}, {word}"
        );
    }
}

#[tokio::test]
async fn a_known_caller_may_raise_the_criticality() {
    let layer = ShedLayer::server(&shedder(10, 0))
        .trust(Trust::Never)
        .trust_if(|headers, _| headers.contains_key("x-known"));
    assert_eq!(
        criticality_inside(&layer, with_criticality("critical")).await,
        None
    );
    let mut known = with_criticality("critical");
    known
        .headers_mut()
        .insert("x-known", ::http::HeaderValue::from_static("yes"));
    let heard = criticality_inside(&layer, known).await;
    assert_eq!(heard, Some(Criticality::Critical));
}

#[tokio::test]
async fn calls_of_a_handler_send_its_criticality() {
    let upstream = Arc::new(Mutex::new(Vec::new()));
    let client = {
        let upstream = Arc::clone(&upstream);
        let server = service_fn(move |request: Request<TestBody>| {
            let header = request.headers().get("x-criticality").cloned();
            upstream.lock().unwrap().push(header);
            async { Ok::<_, BoxError>(Response::new(TestBody::empty())) }
        });
        ShedLayer::client(&shedder(10, 0)).layer(server)
    };
    let gateway = service_fn(move |_: Request<TestBody>| {
        let client = client.clone();
        async move {
            // Polled again later, it is still that of the same task.
            tokio::task::yield_now().await;
            client.oneshot(Request::new(TestBody::empty())).await
        }
    });
    let server = ShedLayer::server(&shedder(10, 0)).layer(gateway);
    for word in ["low", "high"] {
        server
            .clone()
            .oneshot(with_criticality(word))
            .await
            .unwrap();
    }
    server.oneshot(request()).await.unwrap();
    let heard = upstream.lock().unwrap().clone();
    // Without a header, none is sent on. A header is sent on, even if `high` is our default, because other services
    // may have another default.
    let words = ["low", "high"].map(|word| Some(::http::HeaderValue::from_static(word)));
    assert_eq!(heard, [&words[..], &[None]].concat());
}

/// Also for calls that are made after a wait: they belong to the same task, whichever task woke them.
#[tokio::test(start_paused = true)]
async fn a_call_that_waited_keeps_its_criticality() {
    let shedder = shedder(1, 4);
    let handler = service_fn(|_: Request<TestBody>| async {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        let known = Criticality::current().unwrap_or_default();
        Ok::<_, std::convert::Infallible>(Response::new(TestBody::empty().data(known.as_str())))
    });
    let service = ShedLayer::server(&shedder).layer(handler);
    let calls = ["high", "low", "medium"].map(|word| {
        let call = service.clone().oneshot(with_criticality(word));
        let heard = tokio::spawn(async move { call.await.unwrap().collect().await.unwrap() });
        (word, heard)
    });
    for (word, heard) in calls {
        assert_eq!(heard.await.unwrap().to_bytes(), word);
    }
}

/// A header that the client's caller has written is kept, whatever the task's criticality.
#[tokio::test(start_paused = true)]
async fn a_client_keeps_an_existing_header() {
    let server = service_fn(|request: Request<TestBody>| async move {
        let header = request.headers().get_all("x-criticality");
        let header: Vec<_> = header.iter().cloned().collect();
        let mut response = Response::new(TestBody::empty());
        response.extensions_mut().insert(header);
        Ok::<_, BoxError>(response)
    });
    let client = ShedLayer::client(&shedder(10, 0)).layer(server);
    let mut context =
        buttress_core::TaskContext::default().with_criticality(Some(Criticality::Low));
    let mut service = client.clone();
    let response =
        context.enter(|| tower::Service::call(&mut service, with_criticality("critical")));
    let response = response.await.unwrap();
    let heard = response
        .extensions()
        .get::<Vec<::http::HeaderValue>>()
        .unwrap();
    assert_eq!(heard, &["critical"]);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_over_its_share_is_rejected_and_another_is_not() {
    let config = ShedConfig::default()
        .limit(4)
        .queue(4)
        .tenants(TenantsConfig::default());
    let shedder = Shedder::new("test", config);
    let (inner, probe) = buttress_testkit::ReadyProbe::new();
    let layer = ShedLayer::server(&shedder).tenant_header(HeaderName::from_static("x-tenant"));
    let service = layer.layer(inner);
    let of = |name: &'static str| {
        let mut request = request();
        request
            .headers_mut()
            .insert("x-tenant", ::http::HeaderValue::from_static(name));
        request
    };
    probe.script(slow(1_000));
    let modest = begin(&service, of("modest"));
    let (greedy, refused): (Vec<_>, Vec<_>) = (0..20)
        .map(|_| try_begin(&service, of("greedy")))
        .partition(Result::is_ok);
    assert!(refused.len() >= 13, "{}", refused.len());
    for why in refused {
        assert_eq!(why.err(), Some(Some(Reason::TenantOverShare)));
    }
    let another = begin(&service, of("modest"));
    drop((modest, greedy, another));
    assert_eq!(shedder.snapshot().in_flight, 0);
}
