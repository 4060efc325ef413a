//! The two gateways. Both forward every request to their upstream and give each attempt the same time.

pub mod buttress;
pub(crate) mod naive;

use std::net::SocketAddr;
use std::time::Duration;

use http::Uri;

/// How long a gateway waits for one attempt: some twelve times what the upstream takes on average.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(400);

/// Where a request for `uri` goes at the upstream.
fn url(upstream: SocketAddr, uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    format!("http://{upstream}{path}")
}
