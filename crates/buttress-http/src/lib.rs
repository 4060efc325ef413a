//! HTTP and gRPC for Buttress: how an outcome is read off a response, and how a call is followed to the end
//! of its body.
//!
//! Shells take the [`Http`] protocol in their second type parameter (`XLayer::http(&handle)`); users rarely
//! name this crate otherwise than to replace the classifier:
//!
//! ```
//! use buttress_http::{Http, Until};
//!
//! // Server-sent events: the answer has come when its head has.
//! let protocol = Http::default().until(Until::Headers);
//! # let _ = protocol;
//! ```
//!
//! # What is read
//!
//! * The outcome: [`HttpClassifier`] lists what each status and each gRPC code counts as, and [`Classify`] is
//!   what to write in its place.
//! * The end: [`GuardedBody`] holds the guard of a call until its body has ended, failed or gone, because a
//!   status of 200 says little about a body that breaks off, and nothing about a gRPC call.
//! * Whether to try again: [`RetryClassifier`] lists what may pass, [`safety_of`] a request says whether it may be
//!   processed twice, and [`ReplayBody`] sends its body again.
//! * The request's body: [`track_upload`] keeps count of how long the service waits for its caller.
//! * The headers: [`RetryAfter`] and [`grpc`] are parsers of their own, which never panic. A header that breaks
//!   its grammar is [`Malformed`]: it is ignored and counted.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod body;
mod classify;
mod criticality;
pub mod deadline;
mod digits;
mod ending_body;
pub mod grpc;
mod http_classifier;
mod identity;
mod ignore_injected;
mod known_errors;
mod malformed;
mod protocol;
mod replay;
mod retry;
mod retry_after;
mod upload;

pub use body::GuardedBody;
pub use classify::Classify;
pub use criticality::{CRITICALITY, criticality_of, write_criticality};
pub use http_classifier::HttpClassifier;
pub use identity::{ATTEMPT, attempt_of, request_identity};
pub use ignore_injected::IgnoreInjected;
pub use known_errors::{cannot_be_sent, know_errors};
pub use malformed::Malformed;
pub use protocol::{Http, Until};
pub use replay::{Replay, ReplayBody, ReplayBuffer, ReplayError};
pub use retry::{
    ClassifyRetry, Fate, Idempotent, RETRY, RetryClassifier, Ticket, judge_http_error,
    safe_at_once, safety_of, was_never_processed,
};
pub use retry_after::RetryAfter;
pub use upload::{UploadBody, track_upload};
