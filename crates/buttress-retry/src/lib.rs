//! Retries for Tower services, under one exact budget.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod budget;
mod call;
mod clock;
mod config;
mod future;
mod http;
mod layer;
mod mark;
mod repeat;
mod retry;
mod service;
mod settings;
mod shared;
mod stopped;

pub use budget::RetryBudget;
pub use buttress_core::budget::{BudgetConfig, BudgetSnapshot, Cost};
pub use buttress_core::retry::StopReason;
pub use buttress_core::{Backoff, Jitter};
pub use config::RetryConfig;
pub use future::ResponseFuture;
pub use http::{ATTEMPT, HttpRetry, HttpSpare, PREVIOUS_ATTEMPTS};
pub use layer::RetryLayer;
pub use mark::{RetryMark, RetryMarkFuture, RetryMarkService};
pub use repeat::{Attempt, Judge, Repeat};
pub use retry::Retry;
pub use service::RetryService;
pub use shared::CallGuard;
pub use stopped::RetryStopped;
