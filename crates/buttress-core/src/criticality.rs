use std::fmt;

/// How important a request is, when not all can be served.
///
/// The levels are those of a whole system: a service that handles a `High` request calls its own dependencies with
/// `High`. They are ordered: a greater value is more critical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Criticality {
    /// No caller waits for it: a batch, a prefetch, a backfill.
    Low,
    /// It can be served later or in part, and may fail sometimes.
    Medium,
    /// A caller waits for it. The default.
    #[default]
    High,
    /// A failure is visible to users at once. Few requests should be of this level.
    Critical,
}

impl Criticality {
    /// Every criticality, least critical first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The number of levels.
    pub const COUNT: usize = Self::ALL.len();

    /// Its index in [`ALL`](Self::ALL): 0 for the least critical.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its name, in headers and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The criticality with this name, ignoring ASCII case.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|criticality| criticality.as_str().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for Criticality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_them_are_in_order_and_at_their_slot() {
        assert!(Criticality::ALL.is_sorted());
        for (index, criticality) in Criticality::ALL.into_iter().enumerate() {
            assert_eq!(criticality.index(), index);
        }
    }

    #[test]
    fn words_are_read_back_in_any_case_and_others_are_not() {
        for criticality in Criticality::ALL {
            assert_eq!(Criticality::parse(criticality.as_str()), Some(criticality));
            let shouted = criticality.to_string().to_uppercase();
            assert_eq!(Criticality::parse(&shouted), Some(criticality));
        }
        for word in ["", "urgent", " high", "high ", "4", "hıgh"] {
            assert_eq!(Criticality::parse(word), None, "{word:?}");
        }
    }
}
