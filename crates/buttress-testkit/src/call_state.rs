use std::fmt;

/// Where a call stands, as seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallState {
    /// It has its response, and the inner service was called.
    Answered,
    /// The inner service is at it.
    Inside,
    /// It has its response, and the inner service was not called.
    Refused,
    /// It has no response, and the inner service was not called yet.
    Waiting,
}

impl CallState {
    /// Whether the call has its answer.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Answered | Self::Refused)
    }
}

impl fmt::Display for CallState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answered => "answered by the inner service",
            Self::Inside => "inside the inner service",
            Self::Refused => "refused",
            Self::Waiting => "kept waiting",
        })
    }
}

/// What a poll of a body brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    Data,
    End,
    Error,
    Trailers,
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Data => "data",
            Self::End => "end",
            Self::Error => "error",
            Self::Trailers => "trailers",
        })
    }
}
