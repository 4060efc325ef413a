//! The layers of a client together.

use std::time::Duration;

use buttress::prelude::*;
use tower::{Service, ServiceBuilder};

use super::bare::{ECHO, Echo};
use crate::case::Case;
use crate::target::Target;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::service::<_, u64>("stack: retry > breaker", || {
            ServiceBuilder::new()
                .layer(retry())
                .layer(breaker())
                .service(Echo)
        })
        .over(ECHO),
        Case::service::<_, u64>("stack: deadline > retry > breaker > bulkhead", stack)
            .over(ECHO)
            .target(Target::at_most(550, 0))
            .contended(),
        Case::service::<_, u64>(
            "stack: deadline > retry > breaker > bulkhead, Prometheus recorder",
            stack,
        )
        .over(ECHO)
        .with_recorder()
        .target(Target::at_most(1200, 0)),
    ]
}

fn stack() -> impl Service<u64, Response = u64, Error = BoxError, Future: Send> + Clone + Send {
    let config = DeadlineConfig::default().timeout(Duration::from_secs(1));
    let deadlines = Deadlines::new("bench", config);
    ServiceBuilder::new()
        .layer(DeadlineLayer::new(&deadlines))
        .layer(retry())
        .layer(breaker())
        .layer(bulkhead())
        .service(Echo)
}

fn bulkhead() -> BulkheadLayer {
    BulkheadLayer::new(&Bulkhead::new("bench", BulkheadConfig::default()))
}

fn retry() -> RetryLayer {
    RetryLayer::new(&Retry::new("bench", RetryConfig::default()))
}

fn breaker() -> BreakerLayer {
    let config = BreakerConfig::default()
        .window(Window::Time(Duration::from_secs(10)))
        .slow_calls(Duration::from_secs(1), Ratio::HALF);
    BreakerLayer::new(&Breaker::new("bench", config))
}
