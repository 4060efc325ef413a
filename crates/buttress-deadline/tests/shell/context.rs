use std::convert::Infallible;

use buttress_core::{Deadline, TaskContext};
use buttress_deadline::carry;
use tower::{Layer, service_fn};

use crate::support::{call, config, deadline, millis, plain};

/// Every poll has the context, also on another thread, and it is removed between polls.
#[tokio::test(start_paused = true)]
async fn every_poll_of_a_handler_has_the_deadline() {
    let layer = plain(config().timeout(millis(100)));
    let service = layer.layer(service_fn(|()| async {
        let mut seen = vec![Deadline::current()];
        for _ in 0..3 {
            tokio::task::yield_now().await;
            seen.push(Deadline::current());
        }
        Ok::<_, Infallible>(seen)
    }));
    let expected = deadline(millis(100));
    let (one, other) = tokio::join!(call(service.clone(), ()), call(service, ()));
    assert_eq!(one.unwrap(), [expected; 4]);
    assert_eq!(other.unwrap(), [expected; 4]);
    assert_eq!(TaskContext::current(), TaskContext::default());
}

#[tokio::test(start_paused = true)]
async fn a_spawned_task_has_the_deadline_only_if_it_is_carried() {
    let layer = plain(config().timeout(millis(100)));
    let service = layer.layer(service_fn(|()| async {
        let left_behind = tokio::spawn(async { Deadline::current() });
        let taken_along = tokio::spawn(carry(async {
            tokio::task::yield_now().await;
            Deadline::current()
        }));
        Ok::<_, tokio::task::JoinError>((left_behind.await?, taken_along.await?))
    }));
    let expected = deadline(millis(100));
    assert_eq!(call(service, ()).await.unwrap(), (None, expected));
}

#[tokio::test(start_paused = true)]
async fn a_panic_removes_the_deadline_from_the_task() {
    let layer = plain(config().timeout(millis(100)));
    let service = layer.layer(service_fn(|()| async {
        tokio::task::yield_now().await;
        if Deadline::current().is_some() {
            panic!("scripted");
        }
        Ok::<_, Infallible>(())
    }));
    let task = tokio::spawn(call(service, ()));
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(Deadline::current(), None);
}
