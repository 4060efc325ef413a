use std::convert::Infallible;

use buttress_core::{Deadline, Reason, TaskContext};
use tower::{Layer, Service, service_fn};

use crate::support::{call, config, deadline, millis, plain, reason, remaining, timed};

/// Any service, with any request and response.
#[tokio::test(start_paused = true)]
async fn any_call_has_a_timeout() {
    let layer = plain(config().timeout(millis(100)));
    let service = layer.layer(service_fn(|wait: u64| async move {
        tokio::time::sleep(millis(wait)).await;
        Ok::<_, Infallible>(Deadline::current().map(remaining))
    }));
    assert_eq!(call(service.clone(), 40).await.unwrap(), Some(millis(60)));
    let (took, result) = timed(call(service, 500)).await;
    assert_eq!(reason(&result), Some(Reason::DeadlineExceeded));
    assert_eq!(took, millis(100));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_task_is_that_of_its_calls() {
    let layer = plain(config());
    let mut service = layer.layer(service_fn(|()| async {
        tokio::time::sleep(millis(500)).await;
        Ok::<_, Infallible>(())
    }));
    let mut context = TaskContext::default().with_deadline(deadline(millis(100)));
    let (took, result) = timed(context.enter(|| service.call(()))).await;
    assert_eq!(reason(&result), Some(Reason::DeadlineExceeded));
    assert_eq!(took, millis(100));

    let mut context = TaskContext::default().with_deadline(deadline(millis(0)));
    let result = context.enter(|| service.call(())).await;
    assert_eq!(reason(&result), Some(Reason::DeadlineExpired));
}
