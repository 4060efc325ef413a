use std::io::ErrorKind;
use std::path::Path;

use buttress_core::chaos::Plan;

use crate::InjectorConfig;

/// The state of the kill switches outside the process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KillSwitch {
    /// No faults may be injected.
    All,
    /// These faults may not be injected.
    Faults(Vec<String>),
    /// No kill switch is active.
    None,
}

/// Reads the kill switches. It takes one or two system calls, so it is called only if a call would be affected.
pub(crate) fn read(config: &InjectorConfig, plan: &Plan) -> KillSwitch {
    let variable = config.kill_variable.as_deref().and_then(variable);
    let file = config.kill_file.as_deref().and_then(file);
    let texts = [variable, file].into_iter().flatten();
    texts.fold(KillSwitch::None, |killed, text| {
        killed.and(parse(&text, plan))
    })
}

/// Parses the text of an active kill switch.
fn parse(text: &str, plan: &Plan) -> KillSwitch {
    let mut killed = KillSwitch::None;
    let items = text.split([',', '\n', '\r']).map(str::trim);
    let mut said = false;
    for item in items.filter(|item| !item.is_empty()) {
        said = true;
        killed = killed.and(match item.strip_prefix("experiment:") {
            // It is for another experiment.
            Some(name) if Some(name.trim()) != plan.experiment_name() => KillSwitch::None,
            Some(_) => KillSwitch::All,
            None => faults(item, plan),
        });
    }
    if said { killed } else { KillSwitch::All }
}

fn faults(item: &str, plan: &Plan) -> KillSwitch {
    let names_fault = |word| plan.faults().iter().any(|f| f.name().as_str() == word);
    let words = || item.split([' ', '\t']).filter(|word| !word.is_empty());
    if words().all(names_fault) {
        KillSwitch::Faults(words().map(String::from).collect())
    } else {
        // If the value cannot be parsed, all faults are disabled.
        KillSwitch::All
    }
}

impl KillSwitch {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::None, killed) | (killed, Self::None) => killed,
            (Self::Faults(mut faults), Self::Faults(others)) => {
                faults.extend(others);
                Self::Faults(faults)
            }
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn file(path: &Path) -> Option<String> {
    match std::fs::read(path) {
        Ok(text) => Some(String::from_utf8_lossy(&text).into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        // It exists and cannot be read.
        Err(_) => Some(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use buttress_core::chaos::{Answer, Fault, PlannedFault};

    use super::*;

    #[test]
    fn a_switch_stops_everything_an_experiment_or_a_fault() {
        let fault = |name| PlannedFault::new(name, Fault::Answer(Answer::Error));
        let plan = Plan::new(1).fault(fault("down")).fault(fault("slow"));
        let plan = plan.experiment("errors at 5 %");
        let faults = |names: &[&str]| KillSwitch::Faults(names.iter().map(|&n| n.into()).collect());
        for (text, expected) in [
            ("", KillSwitch::All),
            ("\n", KillSwitch::All),
            ("1", KillSwitch::All),
            ("all", KillSwitch::All),
            ("down", faults(&["down"])),
            ("down slow", faults(&["down", "slow"])),
            ("down,\tslow\r\n", faults(&["down", "slow"])),
            ("down, up", KillSwitch::All),
            ("experiment: errors at 5 %", KillSwitch::All),
            ("experiment:errors at 5 %\n", KillSwitch::All),
            ("experiment: another", KillSwitch::None),
            ("experiment: another\ndown", faults(&["down"])),
            ("experiment: another, errors", KillSwitch::All),
            ("experiments: another", KillSwitch::All),
        ] {
            assert_eq!(parse(text, &plan), expected, "{text:?}");
        }
    }

    #[test]
    fn a_plan_without_an_experiment_is_not_killed_with_one() {
        let plan = Plan::new(1);
        assert_eq!(parse("experiment: a", &plan), KillSwitch::None);
    }
}
