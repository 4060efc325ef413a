//! The results as JSON, to compare runs.

use std::path::{Path, PathBuf};
use std::{fs, io, thread};

use serde::Serialize;

/// The results of a bench, with its name and machine.
#[derive(Debug, Serialize)]
pub struct Results<'a, R> {
    bench: &'a str,
    version: &'a str,
    cores: usize,
    smoke: bool,
    rows: &'a [R],
}

impl<'a, R: Serialize> Results<'a, R> {
    /// Creates the results of the bench with this name, on this machine.
    #[must_use]
    pub fn new(bench: &'a str, smoke: bool, rows: &'a [R]) -> Self {
        Self {
            bench,
            version: env!("CARGO_PKG_VERSION"),
            cores: thread::available_parallelism().map_or(1, usize::from),
            smoke,
            rows,
        }
    }

    /// Writes `<bench>.json` into `folder`, which is created if needed, and returns its path.
    ///
    /// # Errors
    ///
    /// If the folder or the file cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let path = folder.join(self.bench).with_extension("json");
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(&path, text)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Row;

    #[test]
    fn missing_figures_are_null() {
        let mut row = Row::new("bare");
        row.reuse.ns_best = Some(1.5);
        let rows = [row];
        let json = serde_json::to_value(Results::new("overhead", true, &rows)).unwrap();
        assert_eq!(json["bench"], "overhead");
        assert_eq!(json["smoke"], true);
        assert_eq!(json["rows"][0]["case"], "bare");
        assert_eq!(json["rows"][0]["reuse"]["ns_best"], 1.5);
        assert!(json["rows"][0]["reuse"]["instructions"].is_null());
    }
}
