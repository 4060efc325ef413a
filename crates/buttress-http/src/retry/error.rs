use std::error::Error;

use buttress_core::FailureKind;
use buttress_core::retry::{Finding, Verdict, judge_error};

/// Reads off an error in place of a response whether another attempt could help: as
/// [`judge_error`], and where the feature `hyper` is on it knows more that were
/// never processed.
///
/// | in the chain | finding |
/// |---|---|
/// | an `h2::Error` with `REFUSED_STREAM` (RFC 9113, section 8.7) | unprocessed |
/// | an `h2::Error` for the peer's GOAWAY without an error, which names a last stream below this one (section 6.8) | unprocessed |
/// | an error of hyper-util's client, while it connected | unprocessed |
#[must_use]
pub fn judge_http_error(error: &(dyn Error + 'static)) -> Verdict {
    let verdict = judge_error(error);
    match verdict.finding {
        Finding::Transient(kind) if is_unprocessed(error) => Verdict {
            finding: Finding::Unprocessed(match kind {
                FailureKind::Error => FailureKind::Transport,
                kind => kind,
            }),
            ..verdict
        },
        _ => verdict,
    }
}

#[cfg(feature = "hyper")]
fn is_unprocessed(error: &(dyn Error + 'static)) -> bool {
    use hyper_util::client::legacy;

    buttress_core::chain(error).any(|error| {
        let refused = error.downcast_ref::<h2::Error>().is_some_and(|error| {
            // h2 ends a stream with the peer's GOAWAY of no error only if it is above the last one that the peer
            // names; those below go on.
            let is_above_last = error.is_go_away() && error.is_remote();
            match error.reason() {
                Some(h2::Reason::REFUSED_STREAM) => true,
                Some(h2::Reason::NO_ERROR) => is_above_last,
                _ => false,
            }
        });
        let unconnected = || {
            error
                .downcast_ref::<legacy::Error>()
                .is_some_and(legacy::Error::is_connect)
        };
        refused || unconnected()
    })
}

#[cfg(not(feature = "hyper"))]
fn is_unprocessed(_: &(dyn Error + 'static)) -> bool {
    false
}

#[cfg(all(test, feature = "hyper"))]
mod tests {
    use super::*;

    #[test]
    fn a_refused_stream_was_never_processed() {
        let judge = |reason| judge_http_error(&h2::Error::from(reason)).finding;
        assert_eq!(
            judge(h2::Reason::REFUSED_STREAM),
            Finding::Unprocessed(FailureKind::Transport)
        );
        assert_eq!(
            judge(h2::Reason::INTERNAL_ERROR),
            Finding::Transient(FailureKind::Error)
        );
    }
}
