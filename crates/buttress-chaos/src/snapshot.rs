use buttress_core::Name;

/// A snapshot of an injector.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectorSnapshot {
    /// The name of the injector.
    pub name: Name,
    /// Whether a plan with faults is armed.
    pub armed: bool,
    /// The number of calls since it was armed.
    pub calls: u64,
    /// The number of affected calls.
    pub affected: u64,
    /// The number of calls that are affected now.
    pub active: u64,
}
