//! Prints what the conformance suite says about tower's own layers.

use std::time::Duration;

use buttress_testkit::{Conformance, Sharing};
use tower::ServiceBuilder;
use tower::layer::util::Identity;
use tower::limit::{ConcurrencyLimitLayer, GlobalConcurrencyLimitLayer};
use tower::timeout::TimeoutLayer;

fn main() {
    // Tower's limit panics when it is called unready, which is its right, and no news (R12).
    std::panic::set_hook(Box::new(|_| {}));
    let reports = [
        Conformance::new("identity", Identity::new).run(),
        Conformance::new("tower: ConcurrencyLimit", || ConcurrencyLimitLayer::new(4))
            .capacity(4)
            .sharing(Sharing::Separate)
            .run(),
        Conformance::new("tower: GlobalConcurrencyLimit", || {
            GlobalConcurrencyLimitLayer::new(4)
        })
        .capacity(4)
        .sharing(Sharing::Shared)
        .run(),
        Conformance::new("tower: LoadShed + ConcurrencyLimit", || {
            ServiceBuilder::new().load_shed().concurrency_limit(4)
        })
        .capacity(4)
        .run(),
        Conformance::new("tower: Timeout", || {
            TimeoutLayer::new(Duration::from_secs(1))
        })
        .needs_timer()
        .run(),
    ];
    for report in reports {
        println!("{report}");
    }
}
