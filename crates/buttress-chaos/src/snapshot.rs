use buttress_core::Name;

/// What an injector looks like at a moment.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectorSnapshot {
    /// The name it was given.
    pub name: Name,
    /// Whether a plan with faults is armed.
    pub armed: bool,
    /// Calls that were decided on since it was armed.
    pub calls: u64,
    /// Those of them that were harmed.
    pub harmed: u64,
    /// Those that are being harmed.
    pub active: u64,
}
