use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;

use crate::gateway::buttress::Support;

/// Two gateways with one failing upstream each, and the same requests: which one recovers.
///
/// An upstream of limited capacity is healthy for a quarter of the time, browns out to 20 % of its
/// capacity for another quarter, and is whole again for the rest. A naive gateway (timeout and three
/// retries) and one wrapped by Buttress call an upstream of their own each, under the same open-loop
/// Poisson load. Everything listens on loopback, on ports the system chooses.
#[derive(Debug, Clone, Parser)]
#[command(name = "storm", version)]
pub(crate) struct Args {
    /// Requests per second offered to each gateway, from 100 to 1000
    #[arg(long, value_name = "N", default_value = "400", value_parser = rate, allow_negative_numbers = true)]
    pub(crate) rate: u64,

    /// Seed of the arrivals and of the upstreams' service times
    #[arg(long, value_name = "N", default_value = "7", value_parser = seed, allow_negative_numbers = true)]
    pub(crate) seed: u64,

    /// How long the storm blows, from 12 to 300 seconds
    #[arg(long, value_name = "N", default_value = "40", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) seconds: u64,

    /// Layers of Buttress to leave out, to see what each is for
    #[arg(long, value_name = "LAYER", value_delimiter = ',')]
    pub(crate) without: Vec<Support>,

    /// Directory for storm.json and storm.html, made if it is missing
    #[arg(long, value_name = "DIR", default_value = "out/storm")]
    pub(crate) out: PathBuf,

    /// File for a picture of the answered requests, as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

impl Args {
    /// How long the storm blows.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Makes the output directory, and that of the picture, and checks that files can be written there, before a storm
    /// whose report could not be saved.
    ///
    /// # Errors
    ///
    /// A message that names the option, its path and what is wrong with it.
    pub(crate) fn prepare_out(&self) -> Result<(), String> {
        prove_writable(&self.out).map_err(|error| {
            let out = self.out.display();
            format!("out is {out}, but must be a directory that can be written to: {error}")
        })?;
        let Some(svg) = &self.svg else { return Ok(()) };
        prove_file(svg).map_err(|error| {
            let svg = svg.display();
            format!("svg is {svg}, but must be a file that can be written to: {error}")
        })
    }
}

fn prove_file(file: &Path) -> io::Result<()> {
    if file.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    match file.parent() {
        Some(directory) if directory != Path::new("") => prove_writable(directory),
        _ => prove_writable(Path::new(".")),
    }
}

fn prove_writable(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let proof = directory.join(".storm");
    fs::write(&proof, [])?;
    fs::remove_file(&proof)
}

// Below a hundred a second the upstream would need so few workers that chance alone times requests out. Above
// a thousand, the attempts of the naive gateway alone fill two cores, and all would suffer for it.
fn rate(text: &str) -> Result<u64, String> {
    whole_within("rate", text, 100..=1000)
}

// Shorter than 12 seconds, less than 6 are left to recover in, and recovery must last for 3.
fn seconds(text: &str) -> Result<u64, String> {
    whole_within("seconds", text, 12..=300)
}

fn seed(text: &str) -> Result<u64, String> {
    whole_within("seed", text, 0..=u64::MAX)
}

fn whole_within(field: &str, text: &str, bounds: RangeInclusive<u64>) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|value| bounds.contains(value))
        .ok_or_else(|| {
            let (low, high) = bounds.into_inner();
            format!("{field} is {text}, but must be a whole number from {low} to {high}")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(arguments: &[&str]) -> (i32, String) {
        let error = Args::try_parse_from([&["storm"], arguments].concat()).unwrap_err();
        (error.exit_code(), error.to_string())
    }

    #[test]
    fn without_arguments_the_storm_ends_in_under_a_minute() {
        let args = Args::try_parse_from(["storm"]).unwrap();
        assert!(args.duration() < Duration::from_secs(55));
    }

    #[test]
    fn a_number_out_of_bounds_is_rejected_by_name_value_and_bound() {
        for (arguments, message) in [
            (
                ["--rate", "0"],
                "rate is 0, but must be a whole number from 100 to 1000",
            ),
            (
                ["--rate", "9.5"],
                "rate is 9.5, but must be a whole number from 100 to 1000",
            ),
            (
                ["--rate=-1", "--seed=1"],
                "rate is -1, but must be a whole number from 100 to 1000",
            ),
            (
                ["--seed", "-1"],
                "seed is -1, but must be a whole number from 0 to 18446744073709551615",
            ),
            (
                ["--seconds", "3"],
                "seconds is 3, but must be a whole number from 12 to 300",
            ),
            (
                ["--seconds", "301"],
                "seconds is 301, but must be a whole number from 12 to 300",
            ),
            (
                ["--seed", "x"],
                "seed is x, but must be a whole number from 0 to 18446744073709551615",
            ),
        ] {
            let (code, text) = refusal(&arguments);
            assert_eq!(code, 2);
            assert!(text.contains(message), "{text}");
        }
    }

    #[test]
    fn unknown_arguments_are_rejected() {
        assert_eq!(refusal(&["--speed", "9"]).0, 2);
        assert_eq!(refusal(&["40"]).0, 2);
    }

    #[test]
    fn a_directory_that_cannot_be_written_to_is_rejected_by_name() {
        let file = std::env::temp_dir().join(format!("storm-args-{}", std::process::id()));
        fs::write(&file, []).unwrap();
        let beneath = file.join("out");
        let args = Args::try_parse_from(["storm", "--out", beneath.to_str().unwrap()]).unwrap();
        let refused = args.prepare_out().unwrap_err();
        fs::remove_file(&file).unwrap();
        assert!(refused.starts_with(&format!("out is {}, but must be", beneath.display())));
    }

    #[test]
    fn a_picture_that_cannot_be_written_is_rejected_by_name() {
        let directory = std::env::temp_dir().join(format!("storm-svg-{}", std::process::id()));
        let prepare = |svg: &Path| {
            let arguments = ["storm", "--out", directory.to_str().unwrap(), "--svg"];
            let args = Args::try_parse_from(arguments.into_iter().chain(svg.to_str()));
            args.unwrap().prepare_out()
        };
        let accepted = prepare(&directory.join("new/storm.svg"));
        let refused = prepare(&directory).unwrap_err();
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(accepted, Ok(()));
        assert!(refused.starts_with(&format!("svg is {}, but must be", directory.display())));
    }
}
