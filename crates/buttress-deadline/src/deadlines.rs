use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use buttress_core::{ConfigError, Name, Striped};

use crate::settings::{Label, Settings};
use crate::{ClientDeadlineConfig, DeadlineConfig};

/// The deadlines of a server or a client: the configuration and the signals that its layers share.
///
/// Its configuration is a [`DeadlineConfig`], or for a client a [`ClientDeadlineConfig`]. Clones are cheap and share
/// their state. See the [crate docs](crate).
///
/// ```
/// use std::time::Duration;
/// use buttress_deadline::{DeadlineConfig, DeadlineLayer, Deadlines};
///
/// let api = Deadlines::new("api", DeadlineConfig::default().timeout(Duration::from_secs(2)));
/// let layer = DeadlineLayer::server(&api);
/// # let _ = layer;
///
/// // Later, from any task, for calls that start from now on:
/// api.reconfigure(api.config().timeout(Duration::from_secs(1)))?;
/// # Ok::<_, buttress_core::ConfigError>(())
/// ```
pub struct Deadlines<C = DeadlineConfig> {
    shared: Arc<Shared<C>>,
}

struct Shared<C> {
    label: Arc<Label>,
    /// Protects the configuration, and the settings that were derived from it.
    current: Mutex<(C, Striped<Settings>)>,
}

impl<C: Config> Deadlines<C> {
    /// Creates deadlines. `name` is their label in metrics, events and rejections.
    ///
    /// # Panics
    ///
    /// If the `check` of the configuration rejects it; the message names the field, its value and its bound. Use
    /// [`try_new`](Self::try_new) for configurations that are not written in the code.
    #[must_use]
    pub fn new(name: impl Into<Name>, config: C) -> Self {
        match Self::try_new(name, config) {
            Ok(deadlines) => deadlines,
            Err(error) => panic!("{error}"),
        }
    }

    /// Creates deadlines, or returns an error if the configuration is invalid.
    ///
    /// # Errors
    ///
    /// If the `check` of the configuration rejects it.
    pub fn try_new(name: impl Into<Name>, config: C) -> Result<Self, ConfigError> {
        let label = Arc::new(Label::new(name.into()));
        let settings = Striped::new(config.settings(&label)?);
        Ok(Self {
            shared: Arc::new(Shared {
                label,
                current: Mutex::new((config, settings)),
            }),
        })
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> C {
        self.current().0
    }

    /// Replaces the configuration, for calls that start from now on. Calls in flight keep their deadlines and
    /// timeouts, and so does a wait for a service that is not ready.
    ///
    /// # Errors
    ///
    /// If the `check` of the configuration rejects it. The configuration is then not changed.
    pub fn reconfigure(&self, config: C) -> Result<(), ConfigError> {
        let settings = Striped::new(config.settings(&self.shared.label)?);
        let mut current = self.lock();
        let (_, before) = std::mem::replace(&mut *current, (config, settings));
        before.replaced();
        Ok(())
    }

    /// Returns the configuration and its settings.
    pub(crate) fn current(&self) -> (C, Striped<Settings>) {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, (C, Striped<Settings>)> {
        let current = self.shared.current.lock();
        current.unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Deadlines<C> {
    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.label.name.as_str()
    }

    pub(crate) fn register(&self) {
        self.shared.label.signals.register();
    }
}

/// With the name `deadline` and the default configuration.
impl<C: Config + Default> Default for Deadlines<C> {
    fn default() -> Self {
        Self::new("deadline", C::default())
    }
}

impl<C> Clone for Deadlines<C> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<C> fmt::Debug for Deadlines<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadlines")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// The configuration of incoming or of outgoing calls.
#[expect(
    unnameable_types,
    reason = "a sealed trait: a type that cannot be named cannot be implemented"
)]
pub trait Config: Copy {
    /// Checks the configuration, and returns what the services read of it.
    fn settings(&self, label: &Arc<Label>) -> Result<Settings, ConfigError>;
}

impl Config for DeadlineConfig {
    fn settings(&self, label: &Arc<Label>) -> Result<Settings, ConfigError> {
        self.check()?;
        Ok(Settings::new(
            label,
            self.mode,
            self.limits,
            self.ready_within(),
        ))
    }
}

impl Config for ClientDeadlineConfig {
    fn settings(&self, label: &Arc<Label>) -> Result<Settings, ConfigError> {
        self.check()?;
        Ok(Settings::new(
            label,
            self.mode,
            self.limits,
            self.ready_within(),
        ))
    }
}
