use std::error::Error;

use buttress_core::FailureKind;
use buttress_core::retry::{Finding, Verdict, judge_error};

use super::was_never_processed;

/// Reads off an error in place of a response whether another attempt could help: as [`judge_error`], and what a client
/// library says [was never processed](was_never_processed) is unprocessed.
#[must_use]
pub fn judge_http_error(error: &(dyn Error + 'static)) -> Verdict {
    let verdict = judge_error(error);
    match verdict.finding {
        Finding::Transient(kind) if was_never_processed(error) => Verdict {
            finding: Finding::Unprocessed(match kind {
                FailureKind::Error => FailureKind::Transport,
                kind => kind,
            }),
            ..verdict
        },
        _ => verdict,
    }
}
