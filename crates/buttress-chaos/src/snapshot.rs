use buttress_core::Name;

/// A snapshot of an injector.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectorSnapshot {
    /// The name it was given.
    pub name: Name,
    /// Whether a plan with faults is armed.
    pub armed: bool,
    /// Calls that were decided on since it was armed.
    pub calls: u64,
    /// Calls that were affected.
    pub affected: u64,
    /// Calls that are affected now.
    pub active: u64,
}
