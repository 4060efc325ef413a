use crate::Verdict;

/// The result of checking an invariant.
pub(crate) type Check = Result<(), Finding>;

/// Why an invariant does not hold, or was not tested.
#[derive(Debug)]
pub(crate) enum Finding {
    Failed { expected: String, seen: String },
    NotApplicable(String),
}

impl Finding {
    pub(crate) fn not_applicable(why: impl Into<String>) -> Self {
        Self::NotApplicable(why.into())
    }
}

/// Fails with what was expected and what was seen, unless `so` is true.
pub(crate) fn ensure(so: bool, expected: impl Into<String>, seen: impl Into<String>) -> Check {
    if so {
        return Ok(());
    }
    Err(Finding::Failed {
        expected: expected.into(),
        seen: seen.into(),
    })
}

impl From<Check> for Verdict {
    fn from(check: Check) -> Self {
        match check {
            Ok(()) => Self::Held,
            Err(Finding::Failed { expected, seen }) => Self::Failed { expected, seen },
            Err(Finding::NotApplicable(why)) => Self::NotApplicable(why),
        }
    }
}
