use std::path::PathBuf;

/// What an injector has, whatever plan it is armed with.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`kill_file`](Self::kill_file) | none | while this file exists nothing is injected |
/// | [`kill_variable`](Self::kill_variable) | `BUTTRESS_CHAOS_KILL` | while this variable is set nothing is injected |
/// | [`fault_header`](Self::fault_header) | no | responses have a header with the injected fault |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectorConfig {
    pub(crate) kill_file: Option<PathBuf>,
    pub(crate) kill_variable: Option<String>,
    pub(crate) fault_header: bool,
}

impl Default for InjectorConfig {
    fn default() -> Self {
        Self {
            kill_file: None,
            kill_variable: Some("BUTTRESS_CHAOS_KILL".into()),
            fault_header: false,
        }
    }
}

impl InjectorConfig {
    /// While this file exists no faults are injected: the next call that would be affected disarms the injector. If the
    /// file has text, it stops less. Items are on lines of their own or separated by commas: the name of a fault stops
    /// only that fault; `experiment: NAME` stops only a plan of [that experiment](crate::Plan::experiment). Any other
    /// item stops everything.
    #[must_use]
    pub fn kill_file(mut self, path: impl Into<Option<PathBuf>>) -> Self {
        self.kill_file = path.into();
        self
    }

    /// While this environment variable is set nothing is injected; as with the file, it may name faults and experiments,
    /// and anything else (`1`, `all`) stops everything. There is no variable that arms.
    #[must_use]
    pub fn kill_variable(mut self, name: impl Into<Option<String>>) -> Self {
        self.kill_variable = name.into();
        self
    }

    /// Whether a response says in `x-buttress-fault` which faults it met.
    #[must_use]
    pub fn fault_header(mut self, fault_header: bool) -> Self {
        self.fault_header = fault_header;
        self
    }
}
