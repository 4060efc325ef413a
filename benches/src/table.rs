//! Markdown tables with aligned columns, so that they are readable as text.

use std::fmt;

/// A table: the first column is text, the others are figures and aligned right.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates a table with these columns.
    #[must_use]
    pub fn new(columns: &[&str]) -> Self {
        Self {
            rows: vec![columns.iter().map(|&name| name.to_owned()).collect()],
        }
    }

    /// Adds a row, which has a cell for every column.
    pub fn push(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.rows[0].len(), "a cell for every column");
        self.rows.push(cells);
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
            .max(3)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, row) in self.rows.iter().enumerate() {
            for (column, cell) in row.iter().enumerate() {
                let width = self.width(column);
                match column {
                    0 => write!(f, "| {cell:<width$} ")?,
                    _ => write!(f, "| {cell:>width$} ")?,
                }
            }
            writeln!(f, "|")?;
            if number == 0 {
                for column in 0..row.len() {
                    let dashes = "-".repeat(self.width(column));
                    match column {
                        0 => write!(f, "|-{dashes}-")?,
                        _ => write!(f, "|-{dashes}:")?,
                    }
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

/// Formats a figure: whole from 100 up, with one decimal below, and `-` if nothing was measured.
#[must_use]
pub fn figure(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(value) if value.abs() < 99.95 => format!("{value:.1}"),
        Some(value) => format!("{value:.0}"),
    }
}

/// Formats whether a target is met.
#[must_use]
pub fn verdict(met: Option<bool>) -> String {
    match met {
        None => "-",
        Some(false) => "✗",
        Some(true) => "✓",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["case", "ns"]);
        table.push(vec!["bare".to_owned(), "1.0".to_owned()]);
        table.push(vec!["breaker".to_owned(), "24.5".to_owned()]);
        let expected = "\
| case    |   ns |
|---------|-----:|
| bare    |  1.0 |
| breaker | 24.5 |
";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn width_is_counted_in_characters() {
        let mut table = Table::new(&["case", "target"]);
        table.push(vec!["≤≤≤≤≤".to_owned(), "✓".to_owned()]);
        let lengths: Vec<_> = table
            .to_string()
            .lines()
            .map(|line| line.chars().count())
            .collect();
        assert!(
            lengths.windows(2).all(|pair| pair[0] == pair[1]),
            "{lengths:?}"
        );
    }

    #[test]
    fn figures_are_rounded() {
        for (value, text) in [
            (None, "-"),
            (Some(0.0), "0"),
            (Some(0.94), "0.9"),
            (Some(99.96), "100"),
            (Some(1486.2), "1486"),
            (Some(-3.0), "-3.0"),
        ] {
            assert_eq!(figure(value), text);
        }
    }
}
