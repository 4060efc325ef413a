use std::fmt;

/// The state of a call, as seen from outside the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallState {
    /// The call has its response, and the inner service was called.
    Responded,
    /// The inner service was called and has not responded yet.
    Inside,
    /// The call has its response, and the inner service was not called.
    Rejected,
    /// The call has no response, and the inner service was not called yet.
    Waiting,
}

impl CallState {
    /// Whether the call has its response.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Responded | Self::Rejected)
    }
}

impl fmt::Display for CallState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Responded => "responded to by the inner service",
            Self::Inside => "inside the inner service",
            Self::Rejected => "rejected",
            Self::Waiting => "waiting",
        })
    }
}

/// The result of one poll of a body.
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
