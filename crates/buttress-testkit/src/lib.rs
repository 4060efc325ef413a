//! Strict inner services and a conformance suite for any Tower layer.

mod body;
mod clock;
mod dice;
mod error;
mod gate;
mod gauge;
mod probe;
mod script;
mod sync;
mod waker;

pub use body::{BodyStep, TestBody};
pub use clock::VirtualClock;
pub use dice::Dice;
pub use error::TestError;
pub use gate::Gate;
pub use gauge::{Gauge, Presence};
pub use probe::{CallId, ProbeFuture, ProbeHandle, ReadyProbe};
pub use script::{Script, ScriptedFuture, Step};
pub use waker::CountingWaker;
