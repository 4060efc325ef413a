//! Buttress's deadlines and tower's `Timeout`, for calls that end in time, as nearly all do.

use std::time::Duration;

use buttress::deadline::Server;
use buttress::prelude::*;
use tower::Layer;

use super::bare::{ECHO, Echo, PAGE, Page};
use crate::case::Case;
use crate::target::Target;

type Request = http::Request<()>;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::service::<_, u64>("deadline, not expired", || plain(config()).layer(Echo))
            .over(ECHO)
            .target(Target::at_most(170, 0))
            .contended(),
        Case::service::<_, u64>("deadline, none", || {
            plain(DeadlineConfig::default()).layer(Echo)
        })
        .over(ECHO)
        .target(Target::at_most(170, 0)),
        Case::service::<_, u64>("deadline off", || {
            plain(config().mode(Mode::Off)).layer(Echo)
        })
        .over(ECHO),
        Case::service::<_, Request>("deadline server, none", || {
            server(DeadlineConfig::default()).layer(Page)
        })
        .over(PAGE),
        Case::service::<_, Request>("deadline server, not expired", || {
            server(config().extension(false)).layer(Page)
        })
        .over(PAGE),
        Case::service::<_, Request>("deadline server, told to the request", || {
            server(config()).layer(Page)
        })
        .over(PAGE),
        Case::service::<_, Request>("deadline client, told in a header", || {
            let config = ClientDeadlineConfig::default().timeout(TIMEOUT);
            DeadlineLayer::client(&Deadlines::new("bench", config)).layer(Page)
        })
        .over(PAGE),
    ]
}

fn config() -> DeadlineConfig {
    DeadlineConfig::default().timeout(TIMEOUT)
}

fn plain(config: DeadlineConfig) -> DeadlineLayer {
    DeadlineLayer::new(&Deadlines::new("bench", config))
}

fn server(config: DeadlineConfig) -> DeadlineLayer<Server> {
    DeadlineLayer::server(&Deadlines::new("bench", config))
}

const TIMEOUT: Duration = Duration::from_secs(1);
