use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use buttress_core::circuit::CircuitState;

use super::config::BreakersConfig;
use crate::Breaker;

/// Breakers by key, at most the capacity plus those that are isolated. Times are in milliseconds of the owner's
/// clock.
#[derive(Debug)]
pub(super) struct Map {
    config: BreakersConfig,
    entries: HashMap<Arc<str>, Entry>,
    /// When idle breakers were last removed.
    swept: u64,
}

#[derive(Debug)]
pub(super) struct Entry {
    breaker: Breaker,
    used: AtomicU64,
}

impl Map {
    pub(super) fn new(config: BreakersConfig) -> Self {
        Self {
            config,
            entries: HashMap::new(),
            swept: 0,
        }
    }

    pub(super) fn config(&self) -> &BreakersConfig {
        &self.config
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn find(&self, key: &str) -> Option<Breaker> {
        self.entries.get(key).map(|entry| entry.breaker.clone())
    }

    /// Returns the breaker of a key, and records the use.
    pub(super) fn touch(&self, key: &str, now: u64) -> Option<Breaker> {
        let entry = self.entries.get(key)?;
        // Most calls are in the same millisecond as another, and do not need to write.
        if entry.used.load(Ordering::Relaxed) < now {
            entry.used.store(now, Ordering::Relaxed);
        }
        Some(entry.breaker.clone())
    }

    /// Adds a breaker, and removes others beyond the capacity.
    pub(super) fn insert(&mut self, key: &str, breaker: Breaker, now: u64) {
        self.sweep(now);
        self.shrink_below(self.config.capacity);
        let used = AtomicU64::new(now);
        self.entries.insert(key.into(), Entry { breaker, used });
    }

    pub(super) fn reconfigure(&mut self, config: BreakersConfig) {
        self.config = config;
        self.shrink_below(self.config.capacity.saturating_add(1));
    }

    pub(super) fn all(&self) -> Vec<(Arc<str>, Breaker)> {
        self.entries
            .iter()
            .map(|(key, entry)| (Arc::clone(key), entry.breaker.clone()))
            .collect()
    }

    /// Puts back a breaker that an operator has isolated, and replaces any newer one of its key.
    pub(super) fn restore(&mut self, key: &str, breaker: &Breaker, now: u64) {
        match self.entries.get_mut(key) {
            Some(entry) if entry.breaker.is(breaker) => {}
            Some(entry) => entry.breaker = breaker.clone(),
            None => self.insert(key, breaker.clone(), now),
        }
    }

    /// Removes closed breakers that are idle. Not in each call, because it scans all of them.
    fn sweep(&mut self, now: u64) {
        let idle_after = u64::try_from(self.config.idle_after.as_millis()).unwrap_or(u64::MAX);
        if now.saturating_sub(self.swept) < idle_after / 4 {
            return;
        }
        self.swept = now;
        self.entries.retain(|_, entry| {
            now.saturating_sub(*entry.used.get_mut()) < idle_after
                || entry.breaker.state() != CircuitState::Closed
        });
    }

    /// Removes breakers until there are fewer than `count`: closed ones first, and of those the least recently used.
    /// Removes an eighth at a time, so that new keys do not scan all breakers each time. Isolated breakers are kept,
    /// even beyond that number.
    fn shrink_below(&mut self, limit: usize) {
        if self.entries.len() < limit {
            return;
        }
        let mut by_worth: Vec<_> = self
            .entries
            .iter()
            .filter_map(|(key, entry)| {
                let state = entry.breaker.state();
                let closed = state == CircuitState::Closed;
                let used = entry.used.load(Ordering::Relaxed);
                (state != CircuitState::Isolated).then(|| (!closed, used, Arc::clone(key)))
            })
            .collect();
        by_worth.sort_unstable();
        let surplus = self.entries.len() - limit + 1;
        let batch = surplus.max(limit / 8);
        for (_, _, key) in by_worth.into_iter().take(batch) {
            self.entries.remove(&key);
        }
    }
}
