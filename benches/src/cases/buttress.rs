//! Buttress, with the features `metrics` and `tracing`, as by default.

use std::time::Duration;

use buttress::prelude::*;
use bytes::Bytes;
use http_body_util::Empty;
use tower::{Layer, ServiceBuilder};

use super::bare::{BOX, Boxed, ECHO, Echo, PAGE, Page};
use crate::case::Case;
use crate::drive::{Drive, Lane, work};
use crate::target::Target;

type Request = http::Request<()>;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::service::<_, u64>(CLOSED, || closed().layer(Echo))
            .over(ECHO)
            .target(Target::at_most(150, 0))
            .scaling_within(1.5),
        Case::service::<_, u64>("breaker closed, by count", || {
            breaker(config().window(Window::Count(100))).layer(Echo)
        })
        .over(ECHO)
        .target(Target::at_most(150, 0)),
        Case::service::<_, u64>(HOLDING_100, || holding(100).layer(Echo))
            .over(ECHO)
            .target(Target::at_most(150, 0)),
        Case::service::<_, u64>("breaker closed, 50000 calls held", || {
            holding(50_000).layer(Echo)
        })
        .over(ECHO)
        .target(Target::like(HOLDING_100)),
        Case::service::<_, u64>("breaker closed, Prometheus recorder", || {
            closed().layer(Echo)
        })
        .over(ECHO)
        .with_recorder()
        .target(Target::at_most(300, 0)),
        Case::service::<_, u64>("breaker closed, every call failing", || {
            breaker(config().failure_ratio(None).consecutive_failures(None)).layer(Boxed::default())
        })
        .over(BOX)
        .failing(),
        Case::service::<_, u64>("breaker open", || open().layer(Echo))
            .over(BOX)
            .failing()
            .target(Target::at_most(120, 0)),
        Case::service::<_, u64>("breaker off", || {
            breaker(config().mode(Mode::Off)).layer(Echo)
        })
        .over(ECHO),
        Case::service::<_, Request>("breaker http, closed", || closed_http().layer(Page))
            .over(PAGE),
        Case::service::<_, u64>("chaos disarmed", || {
            ChaosLayer::new(&injector()).layer(Echo)
        })
        .over(ECHO)
        .target(Target::at_most(12, 0)),
        Case::service::<_, Request>("chaos http, disarmed", || {
            ChaosLayer::client(&injector()).layer(Page)
        })
        .over(PAGE),
        Case::service::<_, u64>("retry, none taken", || retry(Mode::Enforce).layer(Echo))
            .over(ECHO)
            .target(Target::at_most(160, 0))
            .contended(),
        Case::service::<_, u64>("retry off", || retry(Mode::Off).layer(Echo)).over(ECHO),
        Case::service::<_, Request>("retry http, none taken", || {
            let layer = RetryLayer::client(&Retry::new("bench", RetryConfig::default()));
            ServiceBuilder::new()
                .map_request(|request: Request| request.map(|()| empty()))
                .layer(layer)
                .service(Page)
        })
        .over(PAGE),
        Case::service::<_, Request>("problem, success", || ProblemLayer::default().layer(Page))
            .over(PAGE),
        Case::service::<_, Request>("stack: problem > breaker http", || {
            ServiceBuilder::new()
                .layer(ProblemLayer::default())
                .layer(closed_http())
                .service(Page)
        })
        .over(PAGE),
    ]
}

/// All options that cost something on a closed circuit: a time window and the slow-call rule.
fn config() -> BreakerConfig {
    BreakerConfig::default()
        .window(Window::Time(Duration::from_secs(10)))
        .slow_calls(Duration::from_secs(1), Ratio::HALF)
}

fn injector() -> Injector {
    Injector::new("bench", InjectorConfig::default())
}

fn breaker(config: BreakerConfig) -> BreakerLayer {
    BreakerLayer::new(&Breaker::new("bench", config))
}

fn closed() -> BreakerLayer {
    breaker(config())
}

fn closed_http() -> BreakerLayer<buttress::http::Http> {
    BreakerLayer::client(&Breaker::new("bench", config()))
}

fn empty() -> ReplayBody<Empty<Bytes>> {
    ReplayBody::new(Empty::new())
}

fn retry(mode: Mode) -> RetryLayer {
    RetryLayer::new(&Retry::new("bench", RetryConfig::default().mode(mode)))
}

fn open() -> BreakerLayer {
    let hour = OpenDuration::Fixed(Duration::from_secs(3_600));
    let breaker = Breaker::new("bench", config().open_for(hour));
    breaker.trip();
    BreakerLayer::new(&breaker)
}

/// A closed breaker with this many calls in its window, every fourth of them a failure.
fn holding(calls: u64) -> BreakerLayer {
    let layer = closed();
    let lane = &mut Lane::alone();
    let mut succeed = work(layer.layer(Echo), Drive::Reuse);
    let mut fail = work(layer.layer(Boxed::default()), Drive::Reuse);
    for _ in 0..calls / 4 {
        succeed(lane, 3);
        fail(lane, 1);
    }
    layer
}

const CLOSED: &str = "breaker closed";
const HOLDING_100: &str = "breaker closed, 100 calls held";
