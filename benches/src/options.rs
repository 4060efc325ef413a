//! The command line of the benches.

use std::path::{Path, PathBuf};

use crate::drive::Drive;

/// The options.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// The folder for the JSON.
    pub out: PathBuf,
    /// Runs each case once and briefly.
    pub smoke: bool,
    /// Only the cases whose name contains this.
    pub filter: Option<String>,
    /// Make some calls for callgrind, and nothing else.
    pub count: Option<Count>,
}

/// The calls to make under callgrind.
#[derive(Debug, PartialEq, Eq)]
pub struct Count {
    /// The name of the case.
    pub case: String,
    /// How its service is used.
    pub drive: Drive,
    /// The number of calls.
    pub calls: u64,
}

impl Options {
    /// Parses the arguments after the program's name.
    ///
    /// # Errors
    ///
    /// The invalid argument, and the valid ones.
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            out: workspace().join("out/bench"),
            smoke: false,
            filter: None,
            count: None,
        };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                // Cargo passes this to every bench.
                "--bench" => {}
                "--smoke" => options.smoke = true,
                "--out" => options.out = workspace().join(args.next().ok_or(USAGE)?),
                "--count" => options.count = Some(Count::parse(&mut args).ok_or(USAGE)?),
                _ if arg.starts_with('-') || options.filter.is_some() => {
                    return Err(format!("{arg}: unknown argument. {USAGE}"));
                }
                _ => options.filter = Some(arg),
            }
        }
        Ok(options)
    }

    /// Returns whether a case with this name is selected.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| name.contains(filter))
    }
}

impl Count {
    fn parse(args: &mut impl Iterator<Item = String>) -> Option<Self> {
        Some(Self {
            case: args.next()?,
            drive: Drive::parse(&args.next()?)?,
            calls: args.next()?.parse().ok()?,
        })
    }
}

/// The root of the workspace. Cargo runs a bench in its package's folder, where results are hard to find.
fn workspace() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

const USAGE: &str =
    "Usage: cargo bench -p buttress-benches --bench NAME -- [--smoke] [--out DIR] [FILTER]";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn cargos_own_flag_is_ignored() {
        assert_eq!(parse("--bench"), parse(""));
    }

    #[test]
    fn a_relative_out_is_taken_from_the_workspace() {
        let options = parse("--out elsewhere").unwrap();
        assert_eq!(options.out, workspace().join("elsewhere"));
        assert_eq!(parse("--out /tmp/x").unwrap().out, Path::new("/tmp/x"));
    }

    #[test]
    fn a_filter_picks_cases_by_part_of_their_name() {
        let options = parse("--smoke breaker").unwrap();
        assert!(options.smoke);
        assert!(options.wants("breaker closed"));
        assert!(!options.wants("tower Timeout"));
        assert!(parse("").unwrap().wants("anything"));
    }

    #[test]
    fn an_unknown_argument_is_named() {
        assert!(parse("--fast").unwrap_err().contains("--fast"));
        assert!(parse("one two").unwrap_err().contains("two"));
        for line in ["--out", "--count bare", "--count bare reuse many"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_count_has_case_drive_and_calls() {
        let count = parse("--count bare clone 12").unwrap().count.unwrap();
        assert_eq!(
            (count.case.as_str(), count.drive, count.calls),
            ("bare", Drive::Clone, 12)
        );
    }
}
