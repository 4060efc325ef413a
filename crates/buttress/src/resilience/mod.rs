//! Ready-made stacks in the recommended order, configured by one file.
//!
//! # Example
//!
//! ```
//! # #[cfg(not(feature = "reqwest"))]
//! # fn main() {}
//! # use axum::routing::get;
//! # #[cfg(feature = "reqwest")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), buttress::BoxError> {
//! # let router: axum::Router = axum::Router::new().route("/", get(async || "hello"));
//! use buttress::prelude::*;
//!
//! let resilience = Resilience::from_toml(r#"
//! [server.api]
//! deadline = { timeout = "2 s", minimum = "10 ms" }
//! shed = { tenants = { header = "x-tenant" } }
//! bulkhead = { limit = 64, queue = 128, max_wait = "50 ms" }
//!
//! [client.payments.deadline]
//! timeout = "800 ms"
//!
//! [client.payments.retry]
//! attempts = 3
//! attempt_timeout = "300 ms"
//! budget = { ratio = 0.1 }
//!
//! [client.payments.breaker]
//! failure_ratio = 0.25
//! open_for = "3 s"
//! "#)?;
//!
//! let app = router.layer(resilience.server("api")?);
//! let client = resilience.client("payments")?.service(HttpClient::from(reqwest::Client::new()));
//! # let _ = (app, client);
//!
//! // Handles are found by the names of their stacks.
//! let payments = resilience.breaker("payments").expect("the file has a breaker");
//! let maintenance = payments.isolate("maintenance"); // open until the guard is dropped
//! # drop(maintenance);
//! # Ok(())
//! # }
//! ```
//!
//! # The file
//!
//! A file has a table for each stack, `[server.<name>]` and `[client.<name>]`, and in it a table for each pattern.
//! Without a table, a pattern's layer is not created. With an empty table, it has its defaults.
//!
//! | stack | its layers, outermost first | keys |
//! |---|---|---|
//! | server | `problem` | always present, so that `Error = Infallible`; keys of [`ProblemConfig`](crate::problem::ProblemConfig) except `on` |
//! | | `deadline` | [`DeadlineConfig`](crate::deadline::DeadlineConfig) |
//! | | `shed` | [`ShedConfig`](crate::shed::ShedConfig) except `throttle`, and the settings of its [layer](crate::shed::ShedLayer): `trust`, `criticality` and `until`; tables `shares` ([`SharesConfig`](crate::shed::SharesConfig), by criticality), `tenants` ([`TenantsConfig`](crate::shed::TenantsConfig), and the `header` with their names) and `pressure` ([`PressureConfig`](crate::shed::PressureConfig)) |
//! | | `bulkhead` | [`BulkheadConfig`](crate::bulkhead::BulkheadConfig) except `tenants`; `until`; a table `partitions` ([`PartitionsConfig`](crate::bulkhead::PartitionsConfig)): the first segments of paths and their shares, such as `"/checkout" = 0.5` |
//! | client | `deadline` | [`ClientDeadlineConfig`](crate::deadline::ClientDeadlineConfig) |
//! | | `retry` | [`RetryConfig`](crate::retry::RetryConfig), with tables `backoff` (`base`, `cap`, `jitter`) and `budget` ([`BudgetConfig`](crate::retry::BudgetConfig)) |
//! | | `shed` | [`ShedConfig`](crate::shed::ShedConfig) except `tenants`; `until` |
//! | | `throttle` | [`ThrottleConfig`](crate::shed::ThrottleConfig): of the shedder, or of a shedder with a throttle only, and then its `mode` |
//! | | `breaker` | [`BreakerConfig`](crate::breaker::BreakerConfig); `until` |
//! | | `bulkhead` | [`BulkheadConfig`](crate::bulkhead::BulkheadConfig) except `tenants` and `partitions`; `until` |
//!
//! Keys have the names and the defaults of the configurations' fields.
//!
//! | value | is written as |
//! |---|---|
//! | a time | `"250 ms"`, `"1.5 s"`; the units are `us`, `ms`, `s`, `min` and `h` |
//! | a ratio | a number from 0 to 1 |
//! | `window` | a time, or a number of calls |
//! | `open_for` | a time, or `{ initial, share, max, jitter }` |
//! | `slow_calls`, `ramp` | `{ threshold, ratio }`, `{ over, from }` |
//! | `limit` of a shedder | a number of calls, `"off"`, or `{ rule, initial, min, max }`; the rules are `"guarded"`, `"gradient"`, `"vegas"` and `"aimd"`, the last with a `timeout` |
//! | `memory`, `run_delay` of a `pressure` | `{ from, to }` |
//! | `trust` | `"to_lower"`, `"always"`, `"never"` |
//! | `controlled_delay` of a queue | `{ target, interval }`, or `{}` for its defaults; without the key it is off |
//! | `order` of a queue | `"fifo"`, `"lifo"`, `"adaptive_lifo"`, or `{ congested_after }` |
//! | `timeout_cost` | a number of attempts |
//! | `jitter` of a backoff | `"full"`, `"equal"`, `"decorrelated"`, `"none"` |
//! | `until` | `"body_end"`, `"headers"` |
//! | `header`, `trusted_headers` | the name of a header, a list of names |
//! | `mode` | `"enforce"`, `"shadow"`, `"off"`, or the share of calls for which it enforces |
//! | a rule with a default that is not wanted | `"off"` |
//!
//! # What is checked
//!
//! The whole file is checked before anything is created: unknown keys, values out of range, and contradictions: a
//! time within a call that is not shorter than the call, a breaker whose `attempt_timeout` is longer than the
//! retry's, a limit of the shedder that cannot be reached because of the bulkhead inside it, a server and a client
//! with the same name. Each [`Mistake`] has its position in the file, the value, and what the value must be.
//!
//! A breaker does not need an `attempt_timeout`: the deadline and the retry outside it state why they end a call.
//!
//! # Reloading
//!
//! [`Resilience::reload`] applies another file to the existing services, without losing the state of handles. It is
//! applied completely or not at all. It may change every value except the `buckets` of tenants, add stacks, and
//! remove stacks that are not in use, which means that there is neither a layer nor a service of them. A stack in use
//! keeps its layers; `mode = "off"` disables them.
//!
//! # Differences from others
//!
//! resilience4j and Polly read the configuration of each pattern separately, and leave the order to annotations or to
//! the code. Envoy and Linkerd have one order and check each value, but contradictions between settings are found
//! only in production.

mod breaker;
mod bulkhead;
mod client;
mod cross;
mod deadline;
mod error;
mod file;
mod live;
mod maybe;
mod problem;
mod retry;
mod section;
mod server;
mod shed;
mod stacks;
mod table;
mod unknown;
mod value;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use buttress_breaker::Breaker;
use buttress_bulkhead::Bulkhead;
use buttress_retry::Retry;
use buttress_shed::Shedder;

pub use client::{ClientService, ClientStack};
pub use error::{Mistake, ResilienceError};
pub use maybe::{MaybeBody, MaybeFuture, MaybeService};
pub use server::{ServerService, ServerStack};
pub use unknown::UnknownStack;

use stacks::Stacks;

/// The stacks of a file. See the [module docs](crate::resilience).
///
/// Clones are cheap and share their state.
#[derive(Clone)]
pub struct Resilience {
    /// Protects the set of stacks, and serializes reloads.
    stacks: Arc<Mutex<Stacks>>,
}

impl Resilience {
    /// Reads a file, and creates the handles of all its stacks.
    ///
    /// # Errors
    ///
    /// All mistakes in the file.
    pub fn from_toml(text: &str) -> Result<Self, ResilienceError> {
        Ok(Self {
            stacks: Arc::new(Mutex::new(Stacks::from_toml(text)?)),
        })
    }

    /// Returns the layers of a server: a `Layer`, for axum's `Router::layer` or `ServiceBuilder`.
    ///
    /// # Errors
    ///
    /// The file has no server with this name.
    pub fn server(&self, name: &str) -> Result<ServerStack, UnknownStack> {
        let stacks = self.lock();
        match stacks.servers.get(name) {
            Some((stack, _)) => Ok(stack.clone()),
            None => Err(UnknownStack::new("server", name, stacks.servers.keys())),
        }
    }

    /// Returns the layers of a client.
    ///
    /// # Errors
    ///
    /// The file has no client with this name.
    pub fn client(&self, name: &str) -> Result<ClientStack, UnknownStack> {
        let stacks = self.lock();
        match stacks.clients.get(name) {
            Some((stack, _)) => Ok(stack.clone()),
            None => Err(UnknownStack::new("client", name, stacks.clients.keys())),
        }
    }

    /// Returns the breaker of the client with this name, if it has one.
    #[must_use]
    pub fn breaker(&self, name: &str) -> Option<Breaker> {
        self.client(name).ok()?.breaker().cloned()
    }

    /// Returns the bulkhead of the server or client with this name, if it has one.
    #[must_use]
    pub fn bulkhead(&self, name: &str) -> Option<Bulkhead> {
        match self.server(name) {
            Ok(server) => server.bulkhead().cloned(),
            Err(_) => self.client(name).ok()?.bulkhead().cloned(),
        }
    }

    /// Returns the retry of the client with this name, if it has one.
    #[must_use]
    pub fn retry(&self, name: &str) -> Option<Retry> {
        self.client(name).ok()?.retry().cloned()
    }

    /// Returns the shedder of the server or client with this name, if it has one.
    #[must_use]
    pub fn shedder(&self, name: &str) -> Option<Shedder> {
        match self.server(name) {
            Ok(server) => server.shedder().cloned(),
            Err(_) => self.client(name).ok()?.shedder().cloned(),
        }
    }

    /// Applies another file. Calls in flight and measurements are kept.
    ///
    /// # Errors
    ///
    /// All mistakes in the file, and each stack or layer that is in use and missing in the file. Nothing is changed
    /// then.
    pub fn reload(&self, text: &str) -> Result<(), ResilienceError> {
        self.lock().reload(text)
    }

    fn lock(&self) -> MutexGuard<'_, Stacks> {
        self.stacks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Resilience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stacks = self.lock();
        f.debug_struct("Resilience")
            .field("servers", &stacks.servers.keys())
            .field("clients", &stacks.clients.keys())
            .finish()
    }
}
