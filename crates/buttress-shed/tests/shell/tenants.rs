//! One limit for many tenants, one of which may send very many requests.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use buttress_core::Reason;
use buttress_shed::{Caller, ShedConfig, ShedLayer, Shedder, TenantsConfig};
use tower::{Layer, ServiceExt, service_fn};

use crate::scene::MS;

/// Ten tenants use half of the capacity of a service. One more sends a hundred times as many calls as each of them.
#[tokio::test(start_paused = true)]
async fn one_tenant_with_a_hundred_times_the_calls_does_not_affect_the_others() {
    let alone = served(0).await;
    let beside = served(100).await;
    assert!(alone >= 2_450, "{alone} of 2500 alone");
    let kept = f64::from(beside) / f64::from(alone);
    assert!(kept >= 0.95, "{beside} of {alone}");
}

/// The control: without distinguishing them, one tenant takes the capacity of the others.
#[tokio::test(start_paused = true)]
async fn without_tenants_the_others_are_rejected() {
    let config = ShedConfig::default().limit(10).queue(20);
    let beside = served_by(config, 100).await;
    assert!(beside < 1_500, "{beside} of 2500");
}

async fn served(times: u32) -> u32 {
    let config = ShedConfig::default().limit(10).queue(20);
    served_by(config.tenants(TenantsConfig::default()), times).await
}

/// The calls of each of the ten tenants served in five seconds, each of which takes 10 ms, while another tenant makes
/// a multiple of their calls.
async fn served_by(config: ShedConfig, times: u32) -> u32 {
    let shedder = Shedder::new("test", config);
    let work = service_fn(|_: u64| async {
        tokio::time::sleep(10 * MS).await;
        Ok::<_, Infallible>(())
    });
    let layer = ShedLayer::new(&shedder).caller(|tenant: &u64| Caller {
        tenant: Some(*tenant),
        ..Caller::default()
    });
    let service = layer.layer(work);
    let served = Arc::new(AtomicU32::new(0));
    let call = |tenant: u64| {
        let (service, served) = (service.clone(), Arc::clone(&served));
        tokio::spawn(async move {
            let is_served = service.oneshot(tenant).await.is_ok();
            if is_served && tenant != GREEDY {
                served.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    // Fifty a second of each, one after the other, and that multiple of the other tenant.
    for round in 0..2_500 {
        call(round % 10);
        for _ in 0..times / 10 {
            call(GREEDY);
        }
        tokio::time::sleep(2 * MS).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(shedder.snapshot().in_flight, 0);
    served.load(Ordering::Relaxed)
}

const GREEDY: u64 = 4_711;

/// A caller that invents a name for each call gets no more calls in flight than the limit, and leaves nothing behind.
#[tokio::test(start_paused = true)]
async fn invented_tenants_get_no_more_than_the_limit() {
    let config = ShedConfig::default().limit(10).queue(0);
    let shedder = Shedder::new("test", config.tenants(TenantsConfig::default()));
    let layer = ShedLayer::new(&shedder).caller(|tenant: &u64| Caller {
        tenant: Some(*tenant),
        ..Caller::default()
    });
    let service = layer.layer(service_fn(|_: u64| async {
        tokio::time::sleep(10 * MS).await;
        Ok::<_, Infallible>(())
    }));
    let mut reasons = [0; 2];
    for round in 0..20_u64 {
        let calls: Vec<_> = (0..5_000)
            .map(|call| tokio::spawn(service.clone().oneshot(round * 5_000 + call)))
            .collect();
        let mut admitted = 0;
        for call in calls {
            match crate::support::reason(&call.await.unwrap()) {
                None => admitted += 1,
                Some(Reason::LimitReached) => reasons[0] += 1,
                Some(Reason::TenantOverShare) => reasons[1] += 1,
                Some(other) => panic!("{other}"),
            }
        }
        assert_eq!(admitted, 10);
    }
    // No tenant has calls in flight: new tenants are admitted.
    let snapshot = shedder.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.queued), (0, 0));
    assert_eq!(reasons.iter().sum::<u32>(), 20 * 4_990);
}
