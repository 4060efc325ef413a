//! tower-resilience 0.13, without its features `metrics` and `tracing` and without a listener.

use std::sync::Arc;
use std::time::Duration;

use tower::{Layer, ServiceBuilder};
use tower_resilience_bulkhead::BulkheadLayer;
use tower_resilience_chaos::ChaosLayer;
use tower_resilience_circuitbreaker::{
    CircuitBreaker, CircuitBreakerConfigBuilder, CircuitBreakerLayer, DefaultClassifier,
    SlidingWindowType,
};
use tower_resilience_retry::{RetryBudget, RetryBudgetBuilder, RetryLayer};
use tower_resilience_timelimiter::TimeLimiterLayer;

use super::bare::{ECHO, Echo};
use crate::case::Case;
use crate::drive::{Drive, Lane, work};

pub(super) fn cases() -> Vec<Case> {
    let cases = [
        Case::service::<_, u64>("tower-resilience breaker closed, by count", || {
            breaker(CircuitBreakerLayer::builder())
        })
        .contended(),
        // Every call scans all calls in the window: few calls, or a round takes too long.
        Case::service::<_, u64>(
            "tower-resilience breaker closed, by time, 100 calls held",
            || holding(100),
        )
        .calls(200),
        Case::service::<_, u64>(
            "tower-resilience breaker closed, by time, 1000 calls held",
            || holding(1_000),
        )
        .calls(200),
        Case::service::<_, u64>("tower-resilience breaker open", || {
            let breaker = breaker(CircuitBreakerLayer::builder());
            Lane::alone().finish(breaker.force_open());
            breaker
        })
        .failing(),
        Case::service::<_, u64>("tower-resilience bulkhead reject_when_full", || {
            BulkheadLayer::builder()
                .max_concurrent_calls(64)
                .reject_when_full()
                .build()
                .expect("the limit is valid")
                .layer(Echo)
        }),
        Case::service::<_, u64>("tower-resilience retry, none taken", || {
            RetryLayer::exponential_backoff().build().layer(Echo)
        }),
        Case::service::<_, u64>("tower-resilience retry + token bucket, none taken", || {
            RetryLayer::exponential_backoff()
                .budget(budget())
                .build()
                .layer(Echo)
        }),
        Case::service::<_, u64>("tower-resilience timelimiter", || {
            TimeLimiterLayer::builder()
                .timeout_duration(LIMIT)
                .build()
                .layer(Echo)
        }),
        Case::service::<_, u64>("tower-resilience chaos, disabled", || {
            ChaosLayer::builder().build().layer(Echo)
        }),
        Case::service::<_, u64>(
            "tower-resilience stack: time > retry > breaker > bulkhead",
            || {
                ServiceBuilder::new()
                    .layer(TimeLimiterLayer::builder().timeout_duration(LIMIT).build())
                    .layer(RetryLayer::exponential_backoff().budget(budget()).build())
                    .layer(
                        CircuitBreakerLayer::builder()
                            .build()
                            .expect("the defaults are valid"),
                    )
                    .layer(
                        BulkheadLayer::builder()
                            .max_concurrent_calls(64)
                            .reject_when_full()
                            .build()
                            .expect("the limit is valid"),
                    )
                    .service(Echo)
            },
        ),
    ];
    cases.map(|case| case.over(ECHO)).into()
}

type Breaker = CircuitBreaker<Echo, DefaultClassifier>;

fn breaker(config: CircuitBreakerConfigBuilder<DefaultClassifier>) -> Breaker {
    config
        .build()
        .expect("a window of the default size is valid")
        .layer(Echo)
}

/// A closed breaker by time with slow calls enabled, and this many calls in its window.
fn holding(calls: u64) -> Breaker {
    let config = CircuitBreakerLayer::builder()
        .sliding_window_type(SlidingWindowType::TimeBased)
        .sliding_window_duration(Duration::from_secs(3_600))
        .slow_call_duration_threshold(LIMIT);
    let breaker = breaker(config);
    work(breaker.clone(), Drive::Reuse)(&mut Lane::alone(), calls);
    breaker
}

fn budget() -> Arc<dyn RetryBudget> {
    RetryBudgetBuilder::new()
        .token_bucket()
        .build()
        .expect("the defaults are valid")
}

const LIMIT: Duration = Duration::from_secs(1);
