//! A breaker for each key, in bounded memory.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use buttress_breaker::{BreakerConfig, BreakerLayer, Breakers, BreakersConfig, CircuitState};
use buttress_core::{BoxError, Name, Rejection, Scope};
use tokio::time::advance;
use tower::{Layer, ServiceExt, service_fn};

fn breakers(capacity: usize) -> Breakers {
    Breakers::new("hosts", BreakersConfig::default().capacity(capacity))
}

#[tokio::test(start_paused = true)]
async fn failures_of_one_key_do_not_affect_the_others() {
    let breakers = Breakers::new(
        "tenants",
        BreakersConfig::default().breaker(BreakerConfig::default().consecutive_failures(2)),
    );
    let layer = BreakerLayer::keyed(&breakers, |key: &&'static str| (*key).into());
    let service = layer.layer(service_fn(|key: &'static str| async move {
        if key == "bad" {
            Err(BoxError::from("down"))
        } else {
            Ok(key)
        }
    }));
    for _ in 0..2 {
        let error = service.clone().oneshot("bad").await.unwrap_err();
        assert!(Rejection::find(&*error).is_none());
    }
    let error = service.clone().oneshot("bad").await.unwrap_err();
    assert_eq!(
        Rejection::find(&*error).map(Rejection::scope),
        Some(Scope::Tenant)
    );
    assert_eq!(
        Rejection::find(&*error).map(Rejection::layer),
        Some("tenants")
    );
    assert_eq!(
        Rejection::find(&*error).and_then(Rejection::key),
        Some("bad")
    );
    assert!(
        error.to_string().contains("(tenants, key \"bad\""),
        "{error}"
    );
    let snapshot = breakers.get("bad").snapshot();
    assert_eq!(snapshot.key.as_ref().map(Name::as_str), Some("bad"));
    assert_eq!(service.oneshot("good").await.unwrap(), "good");
}

#[tokio::test(start_paused = true)]
async fn the_number_of_breakers_stays_within_the_capacity() {
    let breakers = breakers(64);
    for i in 0..20_000 {
        let _ = breakers.get(&format!("key {i}"));
        assert!(breakers.len() <= 64);
    }
}

#[tokio::test(start_paused = true)]
async fn the_least_recently_used_are_removed_first_and_the_open_last() {
    let breakers = breakers(8);
    breakers.get("open").trip();
    for i in 0..7 {
        advance(Duration::from_millis(10)).await;
        let _ = breakers.get(&format!("closed {i}"));
    }
    advance(Duration::from_millis(10)).await;
    let _ = breakers.get("closed 0");
    advance(Duration::from_millis(10)).await;
    let _ = breakers.get("new");
    assert!(breakers.find("closed 1").is_none());
    assert!(breakers.find("closed 0").is_some());
    assert_eq!(
        breakers.find("open").map(|open| open.state()),
        Some(CircuitState::Open)
    );
    assert_eq!(breakers.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn idle_breakers_are_removed_when_another_is_created() {
    let breakers = breakers(8);
    let _ = breakers.get("idle");
    advance(Duration::from_secs(599)).await;
    let _ = breakers.get("busy");
    advance(Duration::from_secs(151)).await;
    let _ = breakers.get("new");
    assert!(breakers.find("idle").is_none());
    assert!(breakers.find("busy").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_removed_breaker_still_ends_its_calls() {
    let breakers = breakers(1);
    let layer = BreakerLayer::keyed(&breakers, |key: &&'static str| (*key).into());
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let released = Arc::new(Mutex::new(Some(released)));
    let mut service = layer.layer(service_fn(move |_: &'static str| {
        let released = released.lock().unwrap().take();
        async move {
            if let Some(released) = released {
                let _ = released.await;
            }
            Ok::<_, Infallible>(())
        }
    }));
    let first = service.ready().await.unwrap();
    let under_way = tower::Service::call(first, "a");
    let _ = breakers.get("b");
    assert!(breakers.find("a").is_none());
    release.send(()).unwrap();
    under_way.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_new_configuration_applies_to_existing_breakers() {
    let breakers = breakers(8);
    let old = breakers.get("old");
    let strict = BreakerConfig::default().consecutive_failures(1);
    breakers
        .reconfigure(
            BreakersConfig::default()
                .breaker(strict.clone())
                .capacity(8),
        )
        .unwrap();
    assert_eq!(old.config(), strict);
    assert_eq!(breakers.get("young").config(), strict);
}

#[test]
fn a_key_is_cut_at_a_character_boundary() {
    let breakers = breakers(8);
    let long = "ä".repeat(200);
    let _ = breakers.get(&long);
    let (key, _) = breakers.all().pop().unwrap();
    assert_eq!(key.len(), Breakers::MAX_KEY_BYTES);
    assert!(breakers.find(&format!("{long} and more")).is_some());
}

#[test]
fn an_invalid_configuration_is_rejected_with_name_value_and_bound() {
    let message = |config: BreakersConfig| Breakers::try_new("x", config).unwrap_err().to_string();
    assert_eq!(
        message(BreakersConfig::default().capacity(0)),
        "capacity is 0, but must be from 1 to 1000000"
    );
    assert_eq!(
        message(BreakersConfig::default().idle_after(Duration::ZERO)),
        "idle_after is 0s, but must be above 0s"
    );
    assert_eq!(
        message(BreakersConfig::default().breaker(BreakerConfig::default().probes(0))),
        "probes is 0, but must be from 1 to 1000"
    );
}

/// F06 and BR4: an isolated breaker gets no calls, so it is always idle.
#[tokio::test(start_paused = true)]
async fn isolated_and_open_breakers_are_kept_while_idle() {
    let breakers = breakers(4);
    breakers.get("open").trip();
    let isolation = breakers.get("isolated").isolate("maintenance");
    for i in 0..20 {
        advance(Duration::from_secs(601)).await;
        let _ = breakers.get(&format!("other {i}"));
        assert_ne!(breakers.get("open").state(), CircuitState::Closed);
    }
    for i in 0..100 {
        advance(Duration::from_millis(1)).await;
        breakers.get(&format!("flood {i}")).trip();
    }
    assert_eq!(breakers.get("isolated").state(), CircuitState::Isolated);
    assert!(breakers.find("open").is_none(), "the capacity applies");
    drop(isolation);
    assert_eq!(breakers.get("isolated").state(), CircuitState::Closed);
    for i in 0..10 {
        let _ = breakers.get(&format!("more {i}"));
    }
    assert!(breakers.find("isolated").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_removed_breaker_is_restored_when_it_is_isolated() {
    let breakers = breakers(1);
    let early = breakers.get("key");
    let _ = breakers.get("other");
    let newer = breakers.get("key");
    let _isolation = early.isolate("maintenance");
    assert_eq!(newer.state(), CircuitState::Closed);
    assert_eq!(breakers.get("key").state(), CircuitState::Isolated);
}
