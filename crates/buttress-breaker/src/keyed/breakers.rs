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
/// A breaker is made when its key first comes. There are never more than the capacity: beyond it, those that
/// were used least recently go, the closed before any other. So an open circuit is forgotten only while more keys than
/// the capacity are not closed. One that an operator isolates is never forgotten, whatever the capacity. In metrics they
/// add up under the one name; events have the key.
///
/// Cloning it is cheap, and all clones share the breakers.
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
    /// How many bytes of a key count. Longer ones are cut, as strangers may choose them.
    pub const MAX_KEY_BYTES: usize = 256;

    /// No breakers yet, called `name`.
    ///
    /// # Panics
    ///
    /// If [`BreakersConfig::check`] rejects the configuration; the message names the field, its value and its
    /// bound. [`try_new`](Self::try_new) is for configurations that are not written in the code.
    #[must_use]
    pub fn new(name: impl Into<Name>, config: BreakersConfig) -> Self {
        match Self::try_new(name, config) {
            Ok(breakers) => breakers,
            Err(error) => panic!("{error}"),
        }
    }

    /// No breakers yet, called `name`, unless their configuration cannot work.
    ///
    /// # Errors
    ///
    /// What [`BreakersConfig::check`] rejects.
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

    /// The name they have in common.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.name.as_str()
    }

    /// The breaker for a key, made if there is none.
    #[must_use]
    pub fn get(&self, key: &str) -> Breaker {
        let key = cut(key);
        let age = self.shared.age();
        let known = self.shared.read().touch(key, age);
        known.unwrap_or_else(|| {
            let mut map = self.shared.write();
            // Another thread may have inserted it meanwhile.
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

    /// The breaker for a key, if there is one. This does not count as a use of it.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<Breaker> {
        self.shared.read().find(cut(key))
    }

    /// All keys and their breakers, in no order.
    #[must_use]
    pub fn all(&self) -> Vec<(Arc<str>, Breaker)> {
        self.shared.read().all()
    }

    /// How many keys have a breaker.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.read().len()
    }

    /// Whether no key has a breaker.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes a new configuration, for the breakers that are and for those to come. They keep their states.
    ///
    /// # Errors
    ///
    /// What [`BreakersConfig::check`] rejects; then nothing changes.
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
    /// Keeps a breaker that an operator has isolated, also if it was forgotten before.
    pub(super) fn keep(&self, key: &str, breaker: &Breaker) {
        let age = self.age();
        self.write().restore(key, breaker, age);
    }

    /// Milliseconds since the first.
    fn age(&self) -> u64 {
        let age = now().saturating_duration_since(self.origin);
        age.as_millis().try_into().unwrap_or(u64::MAX)
    }

    // A lock that a thread panicked under is taken as it is: no user code runs under it.
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

/// What counts of a key.
fn cut(key: &str) -> &str {
    if key.len() <= Breakers::MAX_KEY_BYTES {
        return key;
    }
    let end = (0..=Breakers::MAX_KEY_BYTES).rfind(|&end| key.is_char_boundary(end));
    &key[..end.unwrap_or(0)]
}
