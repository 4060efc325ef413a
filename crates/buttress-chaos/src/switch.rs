use std::io::ErrorKind;
use std::path::Path;

use buttress_core::chaos::Plan;

use crate::InjectorConfig;

/// What the kill switches outside of the process say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Killed {
    /// Nothing is to be injected.
    All,
    /// Not these faults.
    Faults(Vec<String>),
    /// No switch is thrown.
    None,
}

/// Reads the switches. It takes a system call or two, so it is asked only where a call would be harmed.
pub(crate) fn read(config: &InjectorConfig, plan: &Plan) -> Killed {
    let variable = config.kill_variable.as_deref().and_then(variable);
    let file = config.kill_file.as_deref().and_then(file);
    let mut faults = Vec::new();
    for text in [variable, file].into_iter().flatten() {
        let words = || {
            text.split([',', ' ', '\n', '\r', '\t'])
                .filter(|w| !w.is_empty())
        };
        let names_fault = |word| plan.faults().iter().any(|f| f.name().as_str() == word);
        if words().next().is_none() || !words().all(names_fault) {
            // Whoever threw a switch wants it to stop: what it cannot be understood to spare is not spared.
            return Killed::All;
        }
        faults.extend(words().map(String::from));
    }
    if faults.is_empty() {
        Killed::None
    } else {
        Killed::Faults(faults)
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn file(path: &Path) -> Option<String> {
    match std::fs::read(path) {
        Ok(text) => Some(String::from_utf8_lossy(&text).into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        // It is there and cannot be read.
        Err(_) => Some(String::new()),
    }
}
