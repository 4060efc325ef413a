//! A breaker for each key.

mod breakers;
mod config;
mod home;
mod layer;
mod map;
mod service;

pub use breakers::Breakers;
pub use config::BreakersConfig;
pub(crate) use home::Home;
pub use layer::{ByKey, KeyedBreakerLayer};
pub use service::KeyedBreakerService;
