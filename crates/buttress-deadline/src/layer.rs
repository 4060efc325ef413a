use std::time::Duration;

use buttress_core::{ConfigError, Mode, Name, Striped};
use tower_layer::Layer;

use crate::limits::Limits;
use crate::shared::Shared;
use crate::side::{Client, Local, Server};
use crate::{ClientDeadlineConfig, DeadlineConfig, DeadlineService};

/// Ends the calls of a service by their deadline.
///
/// It has no state but its signals, which all services made by a layer and by its clones share. See the
/// [crate docs](crate).
#[derive(Debug, Clone)]
pub struct DeadlineLayer<P = Local> {
    side: P,
    shared: Striped<Shared>,
}

impl DeadlineLayer {
    /// For any service: the deadline is the earlier of that of the task and that of the configured timeout.
    ///
    /// # Panics
    ///
    /// If [`DeadlineConfig::check`] rejects the configuration; the message names the field, its value and its
    /// bound. [`try_new`](Self::try_new) is for configurations that are not written in the code.
    #[must_use]
    pub fn new(config: DeadlineConfig) -> Self {
        checked(Self::try_new(config))
    }

    /// The same, unless the configuration cannot work.
    ///
    /// # Errors
    ///
    /// What [`DeadlineConfig::check`] rejects.
    pub fn try_new(config: DeadlineConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let side = Local { rule: config.rule };
        Ok(Self::with_side(
            side,
            config.mode,
            config.limits,
            config.ready_within(),
        ))
    }
}

impl DeadlineLayer<Server> {
    /// For a server of HTTP or gRPC: the deadline is the earliest of that of the request's headers, that of the
    /// task and that of the configured timeout.
    ///
    /// # Panics
    ///
    /// If [`DeadlineConfig::check`] rejects the configuration; the message names the field, its value and its
    /// bound. [`try_server`](Self::try_server) is for configurations that are not written in the code.
    #[must_use]
    pub fn server(config: DeadlineConfig) -> Self {
        checked(Self::try_server(config))
    }

    /// The same, unless the configuration cannot work.
    ///
    /// # Errors
    ///
    /// What [`DeadlineConfig::check`] rejects.
    pub fn try_server(config: DeadlineConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self::with_side(
            Server { config },
            config.mode,
            config.limits,
            config.ready_within(),
        ))
    }
}

impl DeadlineLayer<Client> {
    /// For a client of HTTP or gRPC, with the defaults: a call has as much time as its caller, and carries it.
    #[must_use]
    pub fn client() -> Self {
        Self::client_with(ClientDeadlineConfig::default())
    }

    /// For a client of HTTP or gRPC: the deadline is the earliest of that of the request, that of the task and that of
    /// the configured timeout, and is written to the request.
    ///
    /// # Panics
    ///
    /// If [`ClientDeadlineConfig::check`] rejects the configuration; the message names the field, its value and
    /// its bound. [`try_client_with`](Self::try_client_with) is for configurations that are not written in the
    /// code.
    #[must_use]
    pub fn client_with(config: ClientDeadlineConfig) -> Self {
        checked(Self::try_client_with(config))
    }

    /// The same, unless the configuration cannot work.
    ///
    /// # Errors
    ///
    /// What [`ClientDeadlineConfig::check`] rejects.
    pub fn try_client_with(config: ClientDeadlineConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self::with_side(
            Client { config },
            config.mode,
            config.limits,
            config.ready_within(),
        ))
    }
}

impl<P> DeadlineLayer<P> {
    fn with_side(side: P, mode: Mode, limits: Limits, ready_within: Option<Duration>) -> Self {
        let shared = Shared::new("deadline".into(), mode, limits, ready_within);
        Self {
            side,
            shared: Striped::new(shared),
        }
    }

    /// How the layer appears in metrics, events and rejections: `deadline`, unless named.
    #[must_use]
    pub fn named(self, name: impl Into<Name>) -> Self {
        let Shared {
            mode,
            limits,
            ready_within,
            ..
        } = *self.shared;
        let shared = Shared::new(name.into(), mode, limits, ready_within);
        Self {
            side: self.side,
            shared: Striped::new(shared),
        }
    }
}

impl<P> DeadlineLayer<P> {
    pub(crate) fn parts(&self) -> (&P, &Striped<Shared>) {
        self.shared.signals.register();
        (&self.side, &self.shared)
    }
}

impl<S, P: Clone> Layer<S> for DeadlineLayer<P> {
    type Service = DeadlineService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        let (side, shared) = self.parts();
        DeadlineService::new(inner, side.clone(), shared.clone())
    }
}

fn checked<L>(layer: Result<L, ConfigError>) -> L {
    match layer {
        Ok(layer) => layer,
        Err(error) => panic!("{error}"),
    }
}
