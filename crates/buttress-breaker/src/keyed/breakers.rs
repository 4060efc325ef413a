use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use buttress_core::{ConfigError, Name};
use buttress_shell::now;

use super::config::BreakersConfig;
use super::home::Home;
use super::map::Map;
use crate::Breaker;

/// A breaker for each key: each host, each route, each tenant.
///
/// A breaker is created with the first call of its key. Beyond the capacity, the least recently used breakers are
/// removed, closed ones first. So an open circuit is removed only if more circuits than the capacity are not closed.
/// A breaker that an operator isolates is never removed, whatever the capacity. Metrics sum over all breakers of the
/// name; events have the key.
///
/// Clones are cheap and share the breakers.
///
/// ```
/// use buttress_breaker::{Breakers, BreakersConfig, CircuitState};
///
/// let tenants = Breakers::new("search", BreakersConfig::default().capacity(10_000));
/// tenants.get("acme").trip();
/// assert_eq!(tenants.get("acme").state(), CircuitState::Open);
/// assert_eq!(tenants.get("other").state(), CircuitState::Closed);
/// ```
#[derive(Clone)]
pub struct Breakers {
    shared: Arc<Keyed>,
}

pub(crate) struct Keyed {
    name: Name,
    origin: Instant,
    map: RwLock<Map>,
}

impl Breakers {
    /// The maximum length of a key in bytes. Longer keys are cut, because peers may choose them.
    pub const MAX_KEY_BYTES: usize = 256;

    /// Creates an empty set of breakers. `name` is their label in metrics, events and rejections.
    ///
    /// # Panics
    ///
    /// If [`BreakersConfig::check`] rejects the configuration; the message names the field, its value and its bound.
    /// Use [`try_new`](Self::try_new) for configurations that are not written in the code.
    #[must_use]
    pub fn new(name: impl Into<Name>, config: BreakersConfig) -> Self {
        match Self::try_new(name, config) {
            Ok(breakers) => breakers,
            Err(error) => panic!("{error}"),
        }
    }

    /// Creates an empty set of breakers, or returns an error if the configuration is invalid.
    ///
    /// # Errors
    ///
    /// If [`BreakersConfig::check`] rejects the configuration.
    pub fn try_new(name: impl Into<Name>, config: BreakersConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            shared: Arc::new(Keyed {
                name: name.into(),
                origin: now(),
                map: RwLock::new(Map::new(config)),
            }),
        })
    }

    /// Returns the common name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.name.as_str()
    }

    /// Returns the breaker of a key, and creates it if there is none.
    #[must_use]
    pub fn get(&self, key: &str) -> Breaker {
        let key = cut(key);
        let age = self.shared.age();
        let known = self.shared.read().touch(key, age);
        known.unwrap_or_else(|| {
            let mut map = self.shared.write();
            // Another thread may have inserted it in the meantime.
            map.touch(key, age).unwrap_or_else(|| {
                let name = self.shared.name.clone();
                let config = map.config().breaker.clone();
                let home = Home::new(&self.shared, key);
                let breaker = Breaker::for_key(name, home, config)
                    .expect("the configuration was checked when it was taken");
                map.insert(key, breaker.clone(), age);
                breaker
            })
        })
    }

    /// Returns the breaker of a key, if there is one. This does not count as a use of it.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<Breaker> {
        self.shared.read().find(cut(key))
    }

    /// Returns all keys and their breakers, in no particular order.
    #[must_use]
    pub fn all(&self) -> Vec<(Arc<str>, Breaker)> {
        self.shared.read().all()
    }

    /// Returns the number of breakers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.read().len()
    }

    /// Returns whether there are no breakers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Replaces the configuration, for existing and new breakers. Their states are kept.
    ///
    /// # Errors
    ///
    /// If [`BreakersConfig::check`] rejects the configuration, which is then not changed.
    pub fn reconfigure(&self, config: BreakersConfig) -> Result<(), ConfigError> {
        config.check()?;
        let mut map = self.shared.write();
        for (_, breaker) in map.all() {
            breaker.reconfigure(config.breaker.clone())?;
        }
        map.reconfigure(config);
        Ok(())
    }
}

impl Keyed {
    /// Keeps a breaker that an operator has isolated, even if it was removed before.
    pub(super) fn keep(&self, key: &str, breaker: &Breaker) {
        let age = self.age();
        self.write().restore(key, breaker, age);
    }

    /// Milliseconds since the set was created.
    fn age(&self) -> u64 {
        let age = now().saturating_duration_since(self.origin);
        age.as_millis().try_into().unwrap_or(u64::MAX)
    }

    // A poisoned lock is used as it is: no user code runs under it.
    fn read(&self) -> RwLockReadGuard<'_, Map> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Map> {
        self.map.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Breakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breakers")
            .field("name", &self.name())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Cuts a key to its maximum length.
fn cut(key: &str) -> &str {
    if key.len() <= Breakers::MAX_KEY_BYTES {
        return key;
    }
    let end = (0..=Breakers::MAX_KEY_BYTES).rfind(|&end| key.is_char_boundary(end));
    &key[..end.unwrap_or(0)]
}
