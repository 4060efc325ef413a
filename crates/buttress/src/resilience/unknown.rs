use std::error::Error;
use std::fmt;

/// The error for a stack that is not in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownStack {
    kind: &'static str,
    name: String,
    known: Vec<String>,
}

impl UnknownStack {
    pub(super) fn new<'a>(
        kind: &'static str,
        name: &str,
        known: impl Iterator<Item = &'a String>,
    ) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            known: known.cloned().collect(),
        }
    }

    /// Returns the requested name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for UnknownStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, known } = self;
        write!(f, "there is no [{kind}.{name}] in the file")?;
        if !known.is_empty() {
            write!(f, ", but {}", known.join(", "))?;
        }
        Ok(())
    }
}

impl Error for UnknownStack {}
