//! Deadlines
mod alarm;
mod body;
mod carry;
mod client_config;
mod clock;
mod config;
mod future;
mod layer;
mod limits;
mod service;
mod shared;
mod side;
mod watch;

pub use body::DeadlineBody;
pub use buttress_core::Deadline;
pub use buttress_http::deadline::{DeadlineHeader, DeadlineHeaders};
pub use carry::{Carried, carry};
pub use client_config::ClientDeadlineConfig;
pub use config::DeadlineConfig;
pub use future::ResponseFuture;
pub use layer::DeadlineLayer;
pub use service::DeadlineService;
pub use side::{Client, Local, Server};
