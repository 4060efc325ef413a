//! Ready-made stacks, in the one right order, from one file.
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
//! // Handles are reachable by the names of their stacks.
//! let payments = resilience.breaker("payments").expect("it is in the file");
//! let maintenance = payments.isolate("maintenance"); // open while the guard lives
//! # drop(maintenance);
//! # Ok(())
//! # }
//! ```
//!
//! # The file
//!
//! A table for each stack: `[server.<name>]` and `[client.<name>]`, and in it a table for each pattern. A pattern that
//! has none is not there: its layer is not made. One with an empty table has its defaults.
//!
//! | stack | its layers, outermost first | |
//! |---|---|---|
//! | server | `problem` | always there, so that `Error = Infallible`; keys as in [`ProblemConfig`](crate::problem::ProblemConfig) but `problems` |
//! | | `deadline` | [`DeadlineConfig`](crate::deadline::DeadlineConfig) |
//! | | `shed` | [`ShedConfig`](crate::shed::ShedConfig) but `throttle`, and what its [layer](crate::shed::ShedLayer) asks of requests: `trust`, `criticality` and `until`; tables `shares` ([`SharesConfig`](crate::shed::SharesConfig), by the words of criticality), `tenants` ([`TenantsConfig`](crate::shed::TenantsConfig), and the `header` that names them) and `pressure` ([`PressureConfig`](crate::shed::PressureConfig)) |
//! | | `bulkhead` | [`BulkheadConfig`](crate::bulkhead::BulkheadConfig) but `tenants`; `until`; a table `partitions` ([`PartitionsConfig`](crate::bulkhead::PartitionsConfig)): the first segments of paths, as `"/checkout" = 0.5`, and the share of each |
//! | client | `deadline` | [`ClientDeadlineConfig`](crate::deadline::ClientDeadlineConfig) |
//! | | `retry` | [`RetryConfig`](crate::retry::RetryConfig), with tables `backoff` (`base`, `cap`, `jitter`) and `budget` ([`BudgetConfig`](crate::retry::BudgetConfig)) |
//! | | `shed` | [`ShedConfig`](crate::shed::ShedConfig) but `tenants`; `until` |
//! | | `throttle` | [`ThrottleConfig`](crate::shed::ThrottleConfig): of the shedder, or of one that does nothing else, and then its `mode` |
//! | | `breaker` | [`BreakerConfig`](crate::breaker::BreakerConfig); `until` |
//! | | `bulkhead` | [`BulkheadConfig`](crate::bulkhead::BulkheadConfig) but `tenants` and `partitions`; `until` |
//!
//! Keys are named after the fields of the configurations, and have their defaults.
//!
//! | what | is written as |
//! |---|---|
//! | a time | `"250 ms"`, `"1.5 s"`; the units are `us`, `ms`, `s`, `min` and `h` |
//! | a ratio | a number from 0 to 1 |
//! | `window` | a time, or a number of calls |
//! | `open_for` | a time, or `{ initial, max, jitter }` |
//! | `slow_calls`, `ramp` | `{ threshold, ratio }`, `{ over, from }` |
//! | `limit` of a shedder | a number of calls, `"off"`, or `{ rule, initial, min, max }`; the rules are `"guarded"`, `"gradient"`, `"vegas"` and `"aimd"`, the last with a `timeout` |
//! | `memory`, `run_delay` of a `pressure` | `{ from, to }` |
//! | `trust` | `"to_lower"`, `"always"`, `"never"` |
//! | `controlled_delay` of a queue | `{ target, interval }`, or `{}` for its defaults; it is off where it is left out |
//! | `order` of a queue | `"fifo"`, `"lifo"`, `"adaptive_lifo"`, or `{ congested_after }` |
//! | `timeout_cost` | a number of attempts |
//! | `jitter` of a backoff | `"full"`, `"equal"`, `"decorrelated"`, `"none"` |
//! | `until` | `"body_end"`, `"headers"` |
//! | `header`, `trusted_headers` | the name of a header, a list of names |
//! | `mode` | `"enforce"`, `"shadow"`, `"off"`, or the share of calls that it binds |
//! | a rule that has a default and is not wanted | `"off"` |
//!
//! # What is checked
//!
//! All of the file is checked before anything is built: unknown keys, values out of range, and contradictions: a time
//! within a call that is no shorter than the call, a breaker whose `attempt_timeout` is longer than the retry's, a
//! limit of the shedder that cannot be reached because of the bulkhead inside it, a server and a client of one name.
//! Each [`Mistake`] has its place in the file, the value there, and what the value must be.
//!
//! A breaker need not be told how long its attempts have: the deadline and the retry around it say why they end one.
//!
//! # Reloading
//!
//! [`Resilience::reload`] takes another file, for the services that are there: nothing of what handles know is lost. It
//! is all or nothing. It may change every value but the `buckets` of tenants, add stacks, and remove those that are in no
//! use: of which there is neither a layer nor a service. The layers of a stack that is in use stay, and `mode = "off"`
//! turns them off.
//!
//! # Differences from others
//!
//! resilience4j and Polly read each pattern's configuration by itself, and leave the order to annotations or to the
//! code. Envoy and Linkerd have one order and check each value; what contradicts another setting is found out in
//! production.

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
/// Cloning it is cheap, and all clones are one.
#[derive(Clone)]
pub struct Resilience {
    /// Protects which stacks there are, and that one reload follows the other.
    stacks: Arc<Mutex<Stacks>>,
}

impl Resilience {
    /// Reads a file, and makes the handles of all its stacks.
    ///
    /// # Errors
    ///
    /// Every mistake in the file.
    pub fn from_toml(text: &str) -> Result<Self, ResilienceError> {
        Ok(Self {
            stacks: Arc::new(Mutex::new(Stacks::from_toml(text)?)),
        })
    }

    /// The layers of a server: a `Layer`, for axum's `Router::layer` or `ServiceBuilder`.
    ///
    /// # Errors
    ///
    /// There is no such server in the file.
    pub fn server(&self, name: &str) -> Result<ServerStack, UnknownStack> {
        let stacks = self.lock();
        match stacks.servers.get(name) {
            Some((stack, _)) => Ok(stack.clone()),
            None => Err(UnknownStack::new("server", name, stacks.servers.keys())),
        }
    }

    /// The layers of a client.
    ///
    /// # Errors
    ///
    /// There is no such client in the file.
    pub fn client(&self, name: &str) -> Result<ClientStack, UnknownStack> {
        let stacks = self.lock();
        match stacks.clients.get(name) {
            Some((stack, _)) => Ok(stack.clone()),
            None => Err(UnknownStack::new("client", name, stacks.clients.keys())),
        }
    }

    /// The breaker of the client of this name, if it has one.
    #[must_use]
    pub fn breaker(&self, name: &str) -> Option<Breaker> {
        self.client(name).ok()?.breaker().cloned()
    }

    /// The bulkhead of the server or client of this name, if it has one.
    #[must_use]
    pub fn bulkhead(&self, name: &str) -> Option<Bulkhead> {
        match self.server(name) {
            Ok(server) => server.bulkhead().cloned(),
            Err(_) => self.client(name).ok()?.bulkhead().cloned(),
        }
    }

    /// The retry of the client of this name, if it has one.
    #[must_use]
    pub fn retry(&self, name: &str) -> Option<Retry> {
        self.client(name).ok()?.retry().cloned()
    }

    /// The shedder of the server or client of this name, if it has one.
    #[must_use]
    pub fn shedder(&self, name: &str) -> Option<Shedder> {
        match self.server(name) {
            Ok(server) => server.shedder().cloned(),
            Err(_) => self.client(name).ok()?.shedder().cloned(),
        }
    }

    /// Applies another file, and keeps calls in flight and what was learnt.
    ///
    /// # Errors
    ///
    /// Every mistake in the file, and each stack or layer that is in use and not in it. Then nothing changes.
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
