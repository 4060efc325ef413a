use std::path::PathBuf;

/// The configuration of an [`Injector`](crate::Injector), for any plan.
///
/// | field | default | meaning |
/// |---|---|---|
/// | [`kill_file`](Self::kill_file) | none | while this file exists, no faults are injected |
/// | [`kill_variable`](Self::kill_variable) | `BUTTRESS_CHAOS_KILL` | while this variable is set, no faults are injected |
/// | [`fault_header`](Self::fault_header) | no | whether responses have a header with the injected faults |
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
    /// Sets the kill file: while it exists, no faults are injected, and the next call that would be affected disarms
    /// the injector. The file may name items, on separate lines or separated by commas: the name of a fault stops
    /// only that fault; `experiment: NAME` stops only a plan of [that experiment](crate::Plan::experiment). Any other
    /// item, or an empty file, stops all faults. There is none by default.
    #[must_use]
    pub fn kill_file(mut self, path: impl Into<Option<PathBuf>>) -> Self {
        self.kill_file = path.into();
        self
    }

    /// Sets the kill variable: while this environment variable is set, no faults are injected. Like the file, it may
    /// name faults and experiments; any other value (`1`, `all`) stops all faults. No variable arms the injector. The
    /// default is `BUTTRESS_CHAOS_KILL`.
    #[must_use]
    pub fn kill_variable(mut self, name: impl Into<Option<String>>) -> Self {
        self.kill_variable = name.into();
        self
    }

    /// Sets whether responses have the header `x-buttress-fault` with the names of the injected faults. The default
    /// is no.
    #[must_use]
    pub fn fault_header(mut self, fault_header: bool) -> Self {
        self.fault_header = fault_header;
        self
    }
}
