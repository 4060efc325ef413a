//! Prints what the conformance suite says about tower's own layers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use buttress_testkit::{Conformance, LayerUnderTest, Sharing, TestBody};
use http::Request;
use tower::ServiceBuilder;
use tower::buffer::BufferLayer;
use tower::filter::FilterLayer;
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
        // Its worker runs on the runtime of the suite.
        Conformance::new("tower: Buffer", || BufferLayer::<Request<TestBody>>::new(4))
            .needs_timer()
            .run(),
        Conformance::new("tower: Timeout", || {
            TimeoutLayer::new(Duration::from_secs(1))
        })
        .needs_timer()
        .ends_within(Duration::from_secs(1))
        .run(),
        Conformance::new("tower: Filter", filter).run(),
    ];
    for report in reports {
        println!("{report}");
    }
}

/// A filter with a predicate that can be switched to reject all requests.
fn filter() -> LayerUnderTest {
    let shut = Arc::new(AtomicBool::new(false));
    let trip = Arc::clone(&shut);
    let layer = FilterLayer::new(move |request: Request<TestBody>| {
        if shut.load(Ordering::SeqCst) {
            Err("shut")
        } else {
            Ok(request)
        }
    });
    LayerUnderTest::new(layer).trip(move || trip.store(true, Ordering::SeqCst))
}
