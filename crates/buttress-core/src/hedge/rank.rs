use crate::retry::RetryClass;

/// How the result of one attempt of a hedged call compares with the result of the other: the higher rank is returned.
///
/// ```
/// use buttress_core::FailureKind;
/// use buttress_core::hedge::HedgeRank;
/// use buttress_core::retry::RetryClass;
///
/// // An outer retry can repeat a failure, but not a conflict that the attempts caused themselves.
/// let failed = HedgeRank::of(RetryClass::Transient(FailureKind::Error), || false);
/// let conflict = HedgeRank::of(RetryClass::Permanent, || false);
/// assert!(failed > conflict);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HedgeRank {
    /// The attempt was not processed, so it had no effect on the other.
    Unprocessed,
    /// The other attempt may have caused it.
    Inconclusive,
    /// A failure that may pass.
    Failed,
    /// It ends the call, whatever the other attempt returns.
    Conclusive,
}

impl HedgeRank {
    /// The rank of a result of a class. `is_conclusive` returns whether the other attempt cannot have caused it, and is
    /// called only for a result that another attempt would not change.
    pub fn of(class: RetryClass, is_conclusive: impl FnOnce() -> bool) -> Self {
        match class {
            RetryClass::Unprocessed(_) | RetryClass::Rejected => Self::Unprocessed,
            RetryClass::Listed(_) | RetryClass::Transient(_) => Self::Failed,
            RetryClass::Final | RetryClass::Forbidden | RetryClass::Permanent => {
                if is_conclusive() {
                    Self::Conclusive
                } else {
                    Self::Inconclusive
                }
            }
        }
    }
}

#[cfg(all(test, not(buttress_loom)))]
mod tests {
    use super::HedgeRank::{Conclusive, Failed, Inconclusive, Unprocessed};
    use super::*;
    use crate::FailureKind;

    #[test]
    fn each_class_has_its_rank() {
        let kind = FailureKind::Timeout;
        for (class, conclusive, inconclusive) in [
            (RetryClass::Final, Conclusive, Inconclusive),
            (RetryClass::Forbidden, Conclusive, Inconclusive),
            (RetryClass::Permanent, Conclusive, Inconclusive),
            (RetryClass::Listed(kind), Failed, Failed),
            (RetryClass::Transient(kind), Failed, Failed),
            (RetryClass::Rejected, Unprocessed, Unprocessed),
            (RetryClass::Unprocessed(kind), Unprocessed, Unprocessed),
        ] {
            assert_eq!(HedgeRank::of(class, || true), conclusive, "{class:?}");
            assert_eq!(HedgeRank::of(class, || false), inconclusive, "{class:?}");
        }
        let ascending = [Unprocessed, Inconclusive, Failed, Conclusive];
        assert!(ascending.is_sorted());
    }
}
