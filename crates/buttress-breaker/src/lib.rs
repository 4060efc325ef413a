//! A circuit breaker for Tower services.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod breaker;
mod future;
mod guard;
mod isolation;
mod layer;
mod readiness;
mod reserved;
mod service;
mod shared;

pub use breaker::Breaker;
pub use buttress_core::circuit::{BreakerConfig, CircuitSnapshot, CircuitState, OpenTime};
pub use buttress_core::window::Window;
pub use future::ResponseFuture;
pub use guard::BreakerGuard;
pub use isolation::Isolation;
pub use layer::{BreakerLayer, WhenSaturated};
pub use service::BreakerService;
