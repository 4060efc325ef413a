//! Tower layers that keep a service answering while the things around it fail.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "reqwest")]
mod http_client;
pub mod prelude;
mod service_builder_ext;

#[cfg(feature = "breaker")]
#[doc(inline)]
pub use buttress_breaker as breaker;
#[doc(inline)]
pub use buttress_core::{
    Attributed, BoxError, ConfigError, FailureKind, Mode, Name, Outcome, Ratio, Reason, Rejection,
    Report, Scope,
};
#[doc(inline)]
pub use buttress_http as http;
#[doc(inline)]
pub use buttress_metrics as metrics;
#[cfg(feature = "problem")]
#[doc(inline)]
pub use buttress_problem as problem;
#[cfg(feature = "reqwest")]
pub use http_client::{HttpClient, ResponseFuture as HttpClientFuture};
pub use service_builder_ext::ServiceBuilderExt;
