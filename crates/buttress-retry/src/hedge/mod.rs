mod attempt;
mod config;
mod future;
mod handle;
mod layer;
mod service;

pub use config::HedgeConfig;
pub use future::HedgeFuture;
pub use handle::Hedge;
pub use layer::HedgeLayer;
pub use service::HedgeService;
