use std::error::Error;

use buttress_core::FailureKind;
use buttress_core::retry::{Classification, RetryClass, judge_error};

use super::was_never_processed;

/// Returns whether another attempt could succeed after an error in place of a response. Like [`judge_error`], and in
/// addition an error for which [`was_never_processed`] holds is unprocessed.
#[must_use]
pub fn judge_http_error(error: &(dyn Error + 'static)) -> Classification {
    let verdict = judge_error(error);
    match verdict.class {
        RetryClass::Transient(kind) if was_never_processed(error) => Classification {
            class: RetryClass::Unprocessed(match kind {
                FailureKind::Error => FailureKind::Transport,
                kind => kind,
            }),
            ..verdict
        },
        _ => verdict,
    }
}
