//! Strict inner services and a conformance suite for any Tower layer.
//!
//! A Tower layer is easy to write and hard to get right: readiness that is promised and not kept, permits that leak
//! when a future is dropped, wakeups that are lost when a waiter leaves. [`Conformance`] wraps a layer around a
//! [`ReadyProbe`], polls it by hand through each of these situations, and reports which invariants hold.
//!
//! Use it in the tests of any crate with a Tower layer. It is not a load test, and it does not test what is particular
//! to a pattern: when a circuit opens is for the circuit's own tests.
//!
//! # Example
//!
//! A layer that does nothing satisfies every invariant that applies to it:
//!
//! ```
//! use buttress_testkit::Conformance;
//! use tower::layer::util::Identity;
//!
//! Conformance::new("identity", Identity::new).run().assert();
//! ```
//!
//! A layer that declares its contract is tested further. This is what the suite finds in tower's own limit:
//!
//! ```
//! use buttress_testkit::{Conformance, Sharing};
//! use tower::limit::ConcurrencyLimitLayer;
//!
//! let report = Conformance::new("tower", || ConcurrencyLimitLayer::new(4))
//!     .capacity(4)
//!     .sharing(Sharing::Separate)
//!     .run();
//!
//! println!("{report}");
//! // Four idle clones that were once polled ready lock out all callers, for ever.
//! assert_eq!(report.failed(), ["R5", "R10"]);
//! ```
//!
//! A [`LayerUnderTest`] gives the suite more to check than the layer alone: its state, and ways to resize or trip it.
//!
//! ```
//! # use std::sync::Arc;
//! # use tokio::sync::Semaphore;
//! use buttress_testkit::{Conformance, Sharing, LayerUnderTest};
//! use tower::limit::GlobalConcurrencyLimitLayer;
//!
//! let report = Conformance::new("tower, with its state", || {
//!     let permits = Arc::new(Semaphore::new(2));
//!     let layer = GlobalConcurrencyLimitLayer::with_semaphore(Arc::clone(&permits));
//!     LayerUnderTest::new(layer).state(move || permits.available_permits())
//! })
//! .capacity(2)
//! .sharing(Sharing::Shared)
//! .except("R5", "readiness reserves: tower#408")
//! .except("R10", "readiness reserves: tower#408")
//! .run();
//! report.assert();
//! ```
//!
//! # Requirements on a layer
//!
//! The layer must be a `Layer<ReadyProbe>` whose service is `Clone + 'static`, takes `http::Request<`[`TestBody`]`>`
//! and responds with an `http::Response` of any body. A layer that is generic over its request is tested over HTTP like
//! any other. A rejection is any response that comes without a call of the inner service: an error or a `503`.
//!
//! # The invariants
//!
//! | family | names | about |
//! |---|---|---|
//! | readiness | R1 - R15 | which service is called, what readiness holds, how long it waits, which task is woken, what a rejection returns |
//! | cancellation and accounting | A1 - A13 | drops, races, panics, limits, bodies and how they are read, memory |
//! | queueing | Q1 - Q3, Q5, Q6 | which callers wait, for what, for how long, and in which order |
//! | sending | T9 | how often a request is sent and copied |
//! | recovery | B3, B6, B7 | layers that reject because of past failures |
//! | surroundings | X1, X4, X8 | clocks that jump, runtimes with and without timers, and no runtime |
//!
//! Not covered, and left to each layer's own tests: proofs under every interleaving of threads (loom, for R8 and A3),
//! allocations, and the rules of a pattern (B1, B2, B4, B5).
//!
//! # Under random faults
//!
//! [`shake`] generates a plan of faults and a number of callers from each seed, and reports which invariant failed
//! under which seed.
//!
//! # The parts
//!
//! The parts of the suite can be used in any test: [`ReadyProbe`] and its [`ProbeHandle`], [`Script`] and [`TestBody`]
//! for futures and bodies with every poll scripted, [`CountingWaker`] to poll by hand, [`VirtualClock`], [`Gate`],
//! [`Gauge`] and [`Rng`].

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod body;
mod call_state;
mod caller;
mod clock;
mod conformance;
mod contract;
mod error;
mod finding;
mod gate;
mod gauge;
mod harness;
mod invariants;
mod layer_under_test;
mod load;
mod probe;
mod report;
mod rng;
mod script;
mod shake;
mod subject;
mod sync;
mod waker;

pub use body::{BodyStep, TestBody};
pub use clock::VirtualClock;
pub use conformance::Conformance;
pub use contract::{QueueOrder, Readiness, Sharing};
pub use error::TestError;
pub use gate::Gate;
pub use gauge::{Gauge, Presence};
pub use layer_under_test::LayerUnderTest;
pub use probe::{CallId, ProbeFuture, ProbeHandle, ReadyProbe};
pub use report::{Line, Report, Verdict};
pub use rng::Rng;
pub use script::{Script, ScriptedFuture, Step};
pub use shake::{FuzzFailure, FuzzReport, shake};
pub use waker::CountingWaker;
