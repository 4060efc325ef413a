use std::fs;
use std::path::PathBuf;

use buttress::chaos::GameDay;
use clap::Parser;

/// Breaks the dependency of a gateway on purpose, and says which of the gateway's promises survive.
///
/// The gateway is the one of the storm, behind Buttress; its upstream is behind an injector of faults. Everything
/// listens on loopback, on ports the system chooses. Exits with 1 where a hypothesis broke, and with 2 where the
/// arguments or the file cannot be used.
#[derive(Debug, Clone, Parser)]
#[command(name = "game-day", version)]
pub(crate) struct Args {
    /// Seed of the faults and of the arrivals, in place of the file's
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Directory for the report and the log of faults, made if it is missing
    #[arg(long, value_name = "DIR", default_value = "out/game-day")]
    pub(crate) out: PathBuf,

    /// Another list of experiments than the one that is built in
    #[arg(long, value_name = "TOML")]
    file: Option<PathBuf>,

    /// Says what would be done, and does nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

impl Args {
    /// The game day, as the file and the seed say.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, and where.
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

    /// Where the experiments come from.
    pub(crate) fn origin(&self) -> String {
        let file = self.file.as_ref();
        file.map_or_else(
            || "game-day.toml".to_owned(),
            |path| path.display().to_string(),
        )
    }

    /// Makes the output directory and checks that files can be written in it, before a run whose report could not be
    /// saved.
    ///
    /// # Errors
    ///
    /// A message that names the option, the directory and what is wrong with it.
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
    fn the_built_in_game_day_has_every_scenario_and_ends_in_under_a_minute() {
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
    fn the_seed_of_the_command_line_wins() {
        let seeds = |arguments: &[&str]| {
            let day = args(arguments).game_day().unwrap();
            day.experiments()[5].plan().seed()
        };
        assert_eq!(seeds(&[]), 7);
        assert_eq!(seeds(&["--seed", "8"]), 8);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_rejected_by_name_and_slot() {
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
