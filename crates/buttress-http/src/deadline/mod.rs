//! Reads and writes the headers that carry a deadline.
//!
//! Relative headers have the remaining time and do not need synchronized clocks. `x-deadline` has a moment, and is
//! only as accurate as the clocks. Peers may send anything, so no function here panics for any bytes; a header that
//! breaks its grammar is [`Malformed`](crate::Malformed).
//!
//! | header | grammar | 0 is | longest |
//! |---|---|---|---|
//! | `grpc-timeout` | 1 to 8 digits and a unit, `H M S m u n` (gRPC over HTTP/2) | no time | 99 999 999 hours |
//! | `connect-timeout-ms` | 1 to 10 digits (Connect) | no time | 115 days |
//! | `x-envoy-expected-rq-timeout-ms` | digits (Envoy) | no deadline | 2^64 ms and more are read as 2^64 - 1 |
//! | `x-deadline` | a date and time (RFC 3339) | | the end of the year 9999 |
//!
//! Values are rounded down to the unit, so a service is never given more time than remains.

mod absolute;
mod grpc_timeout;
mod header;
mod headers;
mod millis;
mod text;

pub use absolute::{parse_rfc3339, write_rfc3339};
pub use grpc_timeout::{parse_grpc_timeout, write_grpc_timeout};
pub use header::{DeadlineHeader, DeadlineHeaders};
pub(crate) use headers::given_by_caller;
pub use headers::{age_deadline, read_deadline, remove_deadline, write_deadline};
pub use millis::{parse_millis, write_millis};
pub use text::Text;
