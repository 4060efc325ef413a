use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::error::Mistake;
use super::section::Section;
use super::value::{Read, time};

/// A file being read: its text, and the mistakes found so far.
pub(super) struct Source<'a> {
    text: &'a str,
    mistakes: RefCell<Vec<Mistake>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            mistakes: RefCell::default(),
        }
    }

    pub(super) fn mistake(
        &self,
        span: Range<usize>,
        key: impl Into<String>,
        value: impl fmt::Display,
        bound: impl fmt::Display,
    ) {
        let mistake = Mistake::new(self.text, span, key, value, bound);
        self.mistakes.borrow_mut().push(mistake);
    }

    pub(super) fn count_mistakes(&self) -> usize {
        self.mistakes.borrow().len()
    }

    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes.into_inner()
    }
}

/// A table of a file, and its position.
pub(super) struct Table<'a> {
    pub(super) source: &'a Source<'a>,
    entries: &'a DeTable<'a>,
    path: String,
    span: Range<usize>,
}

impl<'a> Table<'a> {
    /// Returns the root table.
    pub(super) fn root(source: &'a Source<'a>, entries: &'a DeTable<'a>) -> Self {
        Self {
            source,
            entries,
            path: String::new(),
            span: 0..0,
        }
    }

    /// Returns the keys in the table.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().map(|key| key.get_ref().as_ref())
    }

    /// Returns the value of a key, if there is one that is not a table.
    pub(super) fn value(&self, key: &str) -> Option<&'a DeValue<'a>> {
        self.entries.get(key).map(|value| value.get_ref())
    }

    /// Returns the table of a key, if there is one. Any other value is a mistake.
    pub(super) fn table(&self, key: &str) -> Option<Self> {
        let (key, value) = self.entries.get_key_value(key)?;
        let path = self.key(key.get_ref());
        let Some(entries) = value.get_ref().as_table() else {
            let text = self.text_at(value.span());
            self.source.mistake(value.span(), path, text, "a table");
            return None;
        };
        Some(Table {
            source: self.source,
            entries,
            path,
            span: key.span(),
        })
    }

    /// Returns the tables in the table, by their keys.
    pub(super) fn tables(&self) -> impl Iterator<Item = (&'a str, Self)> {
        self.keys()
            .filter_map(|key| self.table(key).map(|table| (key, table)))
    }

    /// Reads the table into a copy of `config`.
    pub(super) fn section<C: Clone>(&self, config: C) -> Section<'_, 'a, C> {
        Section::new(self, config)
    }

    /// Rejects the keys that are not `known`.
    pub(super) fn only(&self, known: &[&str]) {
        for key in self.entries.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                let bound = format!("one of {}", known.join(", "));
                let path = self.key(key.get_ref());
                self.source.mistake(key.span(), path, "unknown", bound);
            }
        }
    }

    /// Rejects a table without one of these keys.
    pub(super) fn require(&self, keys: &[&str]) {
        for key in keys.iter().filter(|key| self.value(key).is_none()) {
            let span = self.span.clone();
            self.source.mistake(span, self.key(key), "missing", "there");
        }
    }

    /// Reports a value as a mistake, as it is in the file; if it is missing, reports its nearest table, with
    /// `otherwise`.
    pub(super) fn blame(&self, field: &str, otherwise: &str, bound: impl fmt::Display) {
        let key = self.key(field);
        let (span, value) = match self.find(field) {
            Some((span, value)) if value.is_table() => (span, otherwise),
            Some((span, _)) => (span.clone(), self.text_at(span)),
            None => (self.span.clone(), otherwise),
        };
        self.source.mistake(span, key, value, bound);
    }

    /// Reports the whole table as a mistake.
    pub(super) fn blame_whole(&self, value: impl fmt::Display, bound: impl fmt::Display) {
        self.source
            .mistake(self.span.clone(), self.path.as_str(), value, bound);
    }

    /// Whether there is a value for a dotted key.
    pub(super) fn has(&self, field: &str) -> bool {
        self.find(field).is_some()
    }

    /// Returns the time of a dotted key, if there is one.
    pub(super) fn time(&self, field: &str) -> Option<Duration> {
        self.peek(field, time)
    }

    /// Reads a dotted key, if it is there and valid.
    pub(super) fn peek<T>(&self, field: &str, read: impl Fn(&DeValue<'_>) -> Read<T>) -> Option<T> {
        self.find(field).and_then(|(_, value)| read(value).ok())
    }

    /// Returns the text of a dotted key in the file.
    pub(super) fn text_of(&self, field: &str) -> &'a str {
        self.find(field).map_or("", |(span, _)| self.text_at(span))
    }

    /// Returns a key of the table with its whole path.
    pub(super) fn key(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn find(&self, field: &str) -> Option<(Range<usize>, &'a DeValue<'a>)> {
        let mut entries = self.entries;
        let (within, last) = field.rsplit_once('.').unwrap_or(("", field));
        for key in within.split('.').filter(|key| !key.is_empty()) {
            entries = entries.get(key)?.get_ref().as_table()?;
        }
        let (key, value) = entries.get_key_value(last)?;
        let span = if value.get_ref().is_table() {
            key.span()
        } else {
            value.span()
        };
        Some((span, value.get_ref()))
    }

    fn text_at(&self, span: Range<usize>) -> &'a str {
        self.source.text.get(span).unwrap_or_default()
    }
}
