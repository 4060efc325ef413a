//! What the suite finds in tower's own layers. Those of its limits are in `limits.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use buttress_testkit::{Conformance, LayerUnderTest, TestBody};
use http::Request;
use tower::buffer::BufferLayer;
use tower::filter::FilterLayer;
use tower::timeout::TimeoutLayer;

use crate::faults::Case;

pub(crate) const FAULTS: &[Case] = &[
    Case {
        what: "tower's Buffer: idle clones hold its slots, and its worker dies for all",
        suite: |name| {
            let layer = || BufferLayer::<Request<TestBody>>::new(4);
            Conformance::new(name, layer).needs_timer()
        },
        fails: &["R5", "R10", "R11", "A1", "A4", "X4"],
    },
    Case {
        what: "tower's Timeout: bodies have no end",
        suite: |name| {
            let layer = || TimeoutLayer::new(LONGEST);
            let suite = Conformance::new(name, layer).needs_timer();
            suite.ends_within(LONGEST)
        },
        fails: &["A11"],
    },
    Case {
        what: "tower's Filter: a refusal keeps what was reserved",
        suite: |name| Conformance::new(name, filter),
        fails: &["R13"],
    },
];

const LONGEST: Duration = Duration::from_secs(1);

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
