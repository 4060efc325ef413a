//! HTTP and gRPC for Buttress: reads outcomes from responses, and follows a call to the end of its body.
//!
//! The [`Http`] protocol is the second type parameter of each service (`XLayer::http(&handle)`). Users need this
//! crate mainly to replace the classifier:
//!
//! ```
//! use buttress_http::{Http, Until};
//!
//! // Server-sent events: the call ends with the head of the response.
//! let protocol = Http::default().until(Until::Headers);
//! # let _ = protocol;
//! ```
//!
//! # What is read
//!
//! * Outcomes: [`HttpClassifier`] lists the outcome of each status and gRPC code. Implement [`Classify`] to replace
//!   it.
//! * Body ends: [`GuardedBody`] holds the guard of a call until its body has ended, failed or been dropped, because a
//!   status of 200 is not enough if the body breaks off, and means nothing for a gRPC call.
//! * Retries: [`RetryClassifier`] lists the transient failures, [`safety_of`] returns whether a request may be
//!   processed twice, and [`ReplayBody`] sends its body again.
//! * Uploads: [`track_upload`] measures how long the service waits for the request's body.
//! * Headers: [`RetryAfter`] and [`grpc`] have their own parsers, which never panic. A header that breaks its grammar
//!   is [`Malformed`]: it is ignored and counted.

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
