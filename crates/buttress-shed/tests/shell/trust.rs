//! Which callers' criticality headers are trusted.

use ::http::{HeaderValue, Request};
use buttress_core::Reason;
use buttress_shed::Criticality::{Critical, High, Low, Medium};
use buttress_shed::{ShedLayer, Trust};
use buttress_testkit::TestBody;

use crate::scene::{Scene, config};
use crate::support::{criticality_inside, request, shedder, with_criticality};

const HEADER: &str = "x-criticality";

/// An unknown value is ignored for any caller. Of two fields, the first is used.
#[tokio::test]
async fn the_criticality_follows_from_header_and_trust() {
    let bytes = |values: &[&[u8]]| {
        let mut request = request();
        for value in values {
            let value = HeaderValue::from_bytes(value).unwrap();
            request.headers_mut().append(HEADER, value);
        }
        request
    };
    for (values, always, to_lower) in [
        (&[&b"critical"[..]][..], Critical, Medium),
        (&[b"Low"], Low, Low),
        (&[b"high"], High, Medium),
        (&[b"urgent"], Medium, Medium),
        (&[b""], Medium, Medium),
        (&[b"low, critical"], Medium, Medium),
        (&[b"low "], Medium, Medium),
        (&[b"\xFF\xFE"], Medium, Medium),
        (&[b"4"], Medium, Medium),
        (&[b"low", b"critical"], Low, Low),
        (&[b"critical", b"low"], Critical, Medium),
        (&[b"urgent", b"low"], Medium, Medium),
        (&[], Medium, Medium),
    ] {
        for (trust, expected) in [
            (Trust::Always, always),
            (Trust::LowerOnly, to_lower),
            (Trust::Never, Medium),
        ] {
            let layer = ShedLayer::server(&shedder(10, 0))
                .trust(trust)
                .criticality(Medium);
            let heard = criticality_inside(&layer, bytes(values)).await;
            let heard = heard.unwrap_or_default();
            assert_eq!(heard, expected, "{trust:?}, {values:?}");
        }
    }
}

/// An unknown caller with a critical request is neither served before others nor evicts any.
#[tokio::test(start_paused = true)]
async fn a_forged_criticality_has_no_effect() {
    for (trust, displaces) in [
        (Trust::LowerOnly, false),
        (Trust::Never, false),
        (Trust::Always, true),
    ] {
        let scene = Scene::behind(config(1, 1), |shedder| {
            ShedLayer::server(shedder).trust(trust)
        });
        let inside = scene.call();
        let mut honest = scene.call();
        let mut forged = scene.call_with(with_criticality("critical"));
        if displaces {
            honest.poll();
            assert_eq!(honest.reason(), Some(Reason::CriticalityTooLow));
            drop(inside.finish());
            assert!(forged.is_admitted());
        } else {
            assert_eq!(forged.reason(), Some(Reason::LimitReached), "{trust:?}");
            drop(inside.finish());
            assert!(honest.is_admitted(), "{trust:?}");
        }
    }
}

/// A caller with the right secret is trusted, and one with a wrong secret is not.
#[tokio::test(start_paused = true)]
async fn only_known_callers_may_raise_the_criticality() {
    let scene = Scene::behind(config(1, 1), |shedder| {
        ShedLayer::server(shedder)
            .trust(Trust::Never)
            .trust_if(|headers, _| {
                headers
                    .get("x-secret")
                    .is_some_and(|secret| secret == "4711")
            })
    });
    let _inside = scene.call();
    let mut waiting = scene.call();
    let with = |secret: &str| -> Request<TestBody> {
        let mut request = with_criticality(Critical.as_str());
        let secret = secret.parse().unwrap();
        request.headers_mut().insert("x-secret", secret);
        request
    };
    let stranger = scene.call_with(with("4712"));
    assert_eq!(stranger.reason(), Some(Reason::LimitReached));
    let friend = scene.call_with(with("4711"));
    assert!(friend.is_waiting());
    waiting.poll();
    assert_eq!(waiting.reason(), Some(Reason::CriticalityTooLow));
}
