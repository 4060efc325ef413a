use std::fs;
use std::path::PathBuf;

use buttress::game_day::GameDay;
use clap::Parser;

/// Injects faults into the dependency of a gateway, and prints which hypotheses of the gateway hold.
///
/// The gateway is the one of the storm, with Buttress; its upstream is inside an injector. Everything listens on
/// loopback, on ports the system chooses. Exits with 1 if a hypothesis broke, and with 2 if the arguments or the file
/// are invalid.
#[derive(Debug, Clone, Parser)]
#[command(name = "game-day", version)]
pub(crate) struct Args {
    /// Seed of the faults and of the arrivals, in place of the file's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Directory for the report and the log of faults, created if it is missing
    #[arg(long, value_name = "DIR", default_value = "out/game-day")]
    pub(crate) out: PathBuf,

    /// Another list of experiments, in place of the built-in one
    #[arg(long, value_name = "TOML")]
    file: Option<PathBuf>,

    /// Prints the plan, and runs nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

impl Args {
    /// Returns the game day of the file, with the seed.
    ///
    /// # Errors
    ///
    /// The error in the file, with its position.
    pub(crate) fn game_day(&self) -> Result<GameDay, String> {
        let origin = self.origin();
        let text = match &self.file {
            Some(path) => fs::read_to_string(path).map_err(|error| format!("{origin}: {error}"))?,
            None => BUILT_IN.to_owned(),
        };
        let game_day = GameDay::from_toml(&text).map_err(|error| format!("{origin}: {error}"))?;
        Ok(match self.seed {
            Some(seed) => game_day.reseeded(seed),
            None => game_day,
        })
    }

    /// Returns the source of the experiments.
    pub(crate) fn origin(&self) -> String {
        let file = self.file.as_ref();
        file.map_or_else(
            || "game-day.toml".to_owned(),
            |path| path.display().to_string(),
        )
    }

    /// Creates the output directory and checks that files can be written to it, before a run whose report could not
    /// be saved.
    ///
    /// # Errors
    ///
    /// A message with the option, the directory and the error.
    pub(crate) fn prepare_out(&self) -> Result<(), String> {
        let proof = self.out.join(".game-day");
        fs::create_dir_all(&self.out)
            .and_then(|()| fs::write(&proof, []))
            .and_then(|()| fs::remove_file(&proof))
            .map_err(|error| {
                let out = self.out.display();
                format!("out is {out}, but must be a directory that can be written to: {error}")
            })
    }
}

const BUILT_IN: &str = include_str!("../game-day.toml");

#[cfg(test)]
mod tests {
    use super::*;

    fn args(arguments: &[&str]) -> Args {
        Args::try_parse_from([&["game-day"], arguments].concat()).unwrap()
    }

    #[test]
    fn the_built_in_game_day_is_complete_and_takes_less_than_a_minute() {
        let day = args(&[]).game_day().unwrap();
        let names: Vec<_> = day.experiments().iter().map(|e| e.name()).collect();
        assert_eq!(
            names,
            [
                "dependency down",
                "dependency slow",
                "errors at 5 %",
                "hung responses",
                "truncated bodies",
                "traffic x10"
            ]
        );
        let experiments = day.experiments().iter();
        let seconds: f64 = experiments
            .flat_map(|e| e.phases())
            .map(|phase| phase.as_secs_f64())
            .sum();
        assert!(seconds < 56.0, "{seconds}");
    }

    #[test]
    fn the_seed_of_the_command_line_takes_precedence() {
        let seeds = |arguments: &[&str]| {
            let day = args(arguments).game_day().unwrap();
            day.experiments()[5].plan().seed()
        };
        assert_eq!(seeds(&[]), 7);
        assert_eq!(seeds(&["--seed", "8"]), 8);
    }

    #[test]
    fn an_invalid_file_is_rejected_with_name_and_position() {
        let path = std::env::temp_dir().join(format!("game-day-args-{}.toml", std::process::id()));
        let arguments = ["--file", path.to_str().unwrap()];
        assert!(
            args(&arguments)
                .game_day()
                .unwrap_err()
                .starts_with(arguments[1])
        );
        fs::write(&path, "seed = 1\nspeed = 9\n").unwrap();
        let refused = args(&arguments).game_day().unwrap_err();
        fs::remove_file(&path).unwrap();
        assert!(
            refused.contains("line 2, column 1: unknown field `speed`"),
            "{refused}"
        );
    }
}
