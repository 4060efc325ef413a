use buttress_chaos::{Answer, Bounds, Ratio};

use crate::support::{SECOND, answer, at_most, call, delay, greeter, injector};

#[tokio::test(start_paused = true)]
async fn the_maximum_of_affected_calls_is_never_exceeded() {
    let injector = injector();
    let service = greeter(&injector);
    injector.arm(delay(SECOND).bounds(at_most(3))).unwrap();
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { call(&service).await.map(drop) })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(injector.snapshot().active, 3);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let snapshot = injector.snapshot();
    assert_eq!(
        (snapshot.calls, snapshot.affected, snapshot.active),
        (10, 3, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_returns_its_slot() {
    let injector = injector();
    let service = greeter(&injector);
    injector
        .arm(answer(Answer::Hang).bounds(at_most(1)))
        .unwrap();
    for _ in 0..3 {
        let hanging = tokio::time::timeout(SECOND, call(&service)).await;
        assert!(hanging.is_err());
    }
    assert_eq!(injector.snapshot().affected, 3);
}

#[tokio::test(start_paused = true)]
async fn a_plan_disarms_itself_after_its_time_to_live() {
    let injector = injector();
    let service = greeter(&injector);
    let bounds = Bounds::default().start_delay(SECOND).ttl(3 * SECOND);
    injector
        .arm(answer(Answer::Status(500)).bounds(bounds))
        .unwrap();
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(call(&service).await.unwrap().status().as_u16());
        tokio::time::advance(SECOND).await;
    }
    assert_eq!(seen, [200, 500, 500, 200, 200]);
    assert!(!injector.is_armed());
}

#[tokio::test(start_paused = true)]
async fn the_blast_radius_bounds_the_share_of_calls() {
    let injector = injector();
    let service = greeter(&injector);
    let bounds = Bounds::default().blast_radius(Ratio::percent(1));
    injector.arm(answer(Answer::Error).bounds(bounds)).unwrap();
    let mut failed = 0;
    for _ in 0..500 {
        failed += u32::from(call(&service).await.is_err());
    }
    assert_eq!(failed, 5);
}

/// A call that hangs ends with the plan, and a task that waits for the end is woken, without further calls.
#[tokio::test(start_paused = true)]
async fn a_plan_disarms_itself_without_further_calls() {
    let injector = injector();
    let service = greeter(&injector);
    let bounds = Bounds::default().ttl(3 * SECOND);
    let armed = injector
        .arm_scoped(answer(Answer::Hang).bounds(bounds))
        .unwrap();
    let began = tokio::time::Instant::now();
    let hanging = tokio::spawn(async move { call(&service).await.map(drop) });
    armed.ended().await;
    assert_eq!(began.elapsed().as_secs(), 3);
    assert!(!injector.is_armed());
    assert!(hanging.await.unwrap().is_err());
    assert_eq!(injector.snapshot().active, 0);

    // If no task waits, it has ended at the next read.
    injector.arm(answer(Answer::Error).bounds(bounds)).unwrap();
    tokio::time::advance(3 * SECOND).await;
    assert!(!injector.is_armed());
}
