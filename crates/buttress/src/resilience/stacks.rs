use std::collections::BTreeMap;

use buttress_core::ConfigError;

use super::client::{ClientSettings, ClientStack};
use super::error::{Mistake, ResilienceError};
use super::file::{self, File};
use super::server::{ServerSettings, ServerStack};
use super::table::Table;

/// All stacks of a file, each with its current settings.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    pub(super) servers: BTreeMap<String, (ServerStack, ServerSettings)>,
    pub(super) clients: BTreeMap<String, (ClientStack, ClientSettings)>,
}

impl Stacks {
    pub(super) fn from_toml(text: &str) -> Result<Self, ResilienceError> {
        let file = file::parse(text, |_| {})?;
        let mut stacks = Self::default();
        stacks.take(file).map_err(|error| refused(text, &error))?;
        Ok(stacks)
    }

    /// Applies another file, or changes nothing.
    pub(super) fn reload(&mut self, text: &str) -> Result<(), ResilienceError> {
        let file = file::parse(text, |root| self.compare(root))?;
        self.take(file).map_err(|error| {
            // Each part was checked, so this is not expected. The changes are reverted, to configurations that were
            // valid before.
            for (stack, settings) in self.servers.values() {
                let _ = stack.apply(settings);
            }
            for (stack, settings) in self.clients.values() {
                let _ = stack.apply(settings);
            }
            refused(text, &error)
        })
    }

    /// Reconfigures existing stacks, creates new ones, and removes those that are not in the file. A stack that is
    /// not in use is created again if its layers differ.
    fn take(&mut self, file: File) -> Result<(), ConfigError> {
        let mut next = Self::default();
        for (name, settings) in file.servers {
            let stack = match self.servers.get(&name) {
                Some((stack, before)) if stack.is_in_use() || before.is_alike(&settings) => {
                    stack.apply(&settings)?;
                    stack.clone()
                }
                _ => ServerStack::new(name.clone().into(), &settings)?,
            };
            next.servers.insert(name, (stack, settings));
        }
        for (name, settings) in file.clients {
            let stack = match self.clients.get(&name) {
                Some((stack, before)) if stack.is_in_use() || before.is_alike(&settings) => {
                    stack.apply(&settings)?;
                    stack.clone()
                }
                _ => ClientStack::new(name.clone().into(), &settings)?,
            };
            next.clients.insert(name, (stack, settings));
        }
        *self = next;
        Ok(())
    }

    /// Rejects a file in which a stack that is in use is missing or has other layers.
    fn compare(&self, root: &Table<'_>) {
        let servers = self.servers.iter();
        for (name, (_, settings)) in servers.filter(|(_, (stack, _))| stack.is_in_use()) {
            let stack = compare(root, "server", name, settings.patterns());
            if let (Some(stack), Some(shed)) = (stack, &settings.shed) {
                shed.compare(&stack);
            }
        }
        let clients = self.clients.iter();
        for (name, (_, settings)) in clients.filter(|(_, (stack, _))| stack.is_in_use()) {
            compare(root, "client", name, settings.patterns());
        }
    }
}

fn compare<'a, const N: usize>(
    root: &Table<'a>,
    kind: &str,
    name: &str,
    patterns: [(&'static str, bool); N],
) -> Option<Table<'a>> {
    let Some(stack) = root.table(kind).and_then(|stacks| stacks.table(name)) else {
        root.blame(
            &format!("{kind}.{name}"),
            "missing",
            "there, as it is in use",
        );
        return None;
    };
    for (pattern, was_there) in patterns {
        // A client's throttle is part of its shedder.
        let is_there = stack.has(pattern) || (pattern == "shed" && stack.has("throttle"));
        match (was_there, is_there) {
            (true, false) => {
                let bound = "there, as it is in use: mode = \"off\" turns it off";
                stack.blame(pattern, "missing", bound);
            }
            (false, true) => stack.blame(pattern, "new", "there from the start"),
            _ => {}
        }
    }
    Some(stack)
}

/// An error of a part that had passed its check.
fn refused(text: &str, error: &ConfigError) -> ResilienceError {
    let mistake = Mistake::new(text, 0..0, error.field(), error.value(), error.bound());
    ResilienceError::new(vec![mistake])
}
