use buttress_core::ConfigError;
use toml::de::DeValue;

use super::table::Table;
use super::value::Read;

/// A table that is read into a configuration, key by key. Keys that were not read are unknown.
#[must_use]
pub(super) struct Section<'t, 'a, C> {
    table: &'t Table<'a>,
    config: C,
    known: Vec<&'static str>,
    mistakes_before: usize,
}

impl<'t, 'a, C: Clone> Section<'t, 'a, C> {
    pub(super) fn new(table: &'t Table<'a>, config: C) -> Self {
        Self {
            table,
            config,
            known: Vec::new(),
            mistakes_before: table.source.count_mistakes(),
        }
    }

    /// Sets the value of `key`, if there is one.
    pub(super) fn field<T>(
        mut self,
        key: &'static str,
        read: impl Fn(&DeValue<'_>) -> Read<T>,
        set: impl FnOnce(C, T) -> C,
    ) -> Self {
        self.known.push(key);
        match self.table.value(key).map(read) {
            Some(Ok(value)) => self.config = set(self.config, value),
            Some(Err(bound)) => self.table.blame(key, "a table", bound),
            None => {}
        }
        self
    }

    /// Sets a value from the table of `key`, if there is one.
    pub(super) fn within(
        mut self,
        key: &'static str,
        set: impl FnOnce(C, &Table<'_>) -> C,
    ) -> Self {
        self.known.push(key);
        if let Some(table) = self.table.table(key) {
            self.config = set(self.config, &table);
        }
        self
    }

    /// The same for a key whose value is either a single value or a table.
    pub(super) fn field_or_within<T>(
        self,
        key: &'static str,
        read: impl Fn(&DeValue<'_>) -> Read<T>,
        set: impl FnOnce(C, T) -> C,
        set_within: impl FnOnce(C, &Table<'_>) -> C,
    ) -> Self {
        if self.table.value(key).is_some_and(DeValue::is_table) {
            self.within(key, set_within)
        } else {
            self.field(key, read, set)
        }
    }

    /// Returns the configuration. If it is invalid as a whole, reports a mistake and returns the default.
    pub(super) fn check(self, check: impl FnOnce(&C) -> Result<(), ConfigError>) -> C {
        // A key with a mistake is not set, so the whole is not checked then. Unknown keys do not prevent the check.
        let is_sound = self.table.source.count_mistakes() == self.mistakes_before;
        self.table.only(&self.known);
        if is_sound && let Err(error) = check(&self.config) {
            self.table
                .blame(error.field(), error.value(), error.bound());
        }
        self.config
    }

    /// Returns the configuration of a table that is checked with the outer one.
    pub(super) fn done(self) -> C {
        self.check(|_| Ok(()))
    }
}
