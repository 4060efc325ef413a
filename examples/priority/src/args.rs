use std::path::PathBuf;

use clap::Parser;

use crate::load::USERS;

/// Users with a constant load, and a batch that sends twelve times what the service can handle.
///
/// Exits with 1 if less than 99.4 % of the users' calls succeed in time while the batch runs.
#[derive(Debug, Parser)]
#[command(name = "priority", version)]
pub(crate) struct Args {
    /// Folder for priority.svg, created if it is missing
    #[arg(value_name = "DIR", default_value_os_t = target().join("priority"))]
    pub(crate) out: PathBuf,

    /// Seed of the arrivals and of the service times
    #[arg(long, value_name = "N", default_value = "7")]
    pub(crate) seed: u32,

    /// The load of the users, as a multiple of the capacity of the service, from 0.1 to 1
    #[arg(long, value_name = "X", default_value_t = USERS, value_parser = users)]
    pub(crate) users: f64,
}

/// The folder in which cargo builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from)
}

fn users(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|value| (0.1..=1.0).contains(value))
        .ok_or_else(|| format!("users is {text}, but must be a number from 0.1 to 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_load_is_rejected_with_name_value_and_bound() {
        for text in ["0", "1.5", "NaN", "many"] {
            let refused = Args::try_parse_from(["priority", "--users", text]).unwrap_err();
            let message = format!("users is {text}, but must be a number from 0.1 to 1");
            assert_eq!(refused.exit_code(), 2);
            assert!(refused.to_string().contains(&message), "{refused}");
        }
        assert_eq!(Args::try_parse_from(["priority"]).unwrap().users, USERS);
    }
}
