use std::error::Error;
use std::io;

/// Returns whether a client library's error means that the request was not processed.
///
/// | first match among the error and its sources | result |
/// |---|---|
/// | an error of hyper-util's client while connecting | yes |
/// | an error of hyper caused by the caller, such as by the body of the request | no, for any source |
/// | an `h2::Error` for the peer's RST_STREAM with `REFUSED_STREAM` (RFC 9113, section 8.7) | yes |
/// | an `h2::Error` for the peer's GOAWAY with `NO_ERROR`, whose last stream is below this one (section 6.8) | yes |
/// | any other `h2::Error` | no |
/// | a `tonic::ConnectError`, with the feature `tonic` | yes |
/// | an `io::Error`, with any source | no |
///
/// An `io::Error` is no evidence, not even "connection refused" or "host unreachable": an established connection also
/// fails with these when the network reports them by ICMP after the request was sent.
///
/// The result is about one request. A client that follows redirects or retries by itself may have sent another one
/// before. Always `false` without the features `hyper` and `tonic`.
#[must_use]
pub fn was_never_processed(error: &(dyn Error + 'static)) -> bool {
    buttress_core::chain(error)
        .find_map(read_link)
        .unwrap_or(false)
}

/// Returns the result of one error in the chain, if it is conclusive.
fn read_link(error: &(dyn Error + 'static)) -> Option<bool> {
    if error.is::<io::Error>() {
        return Some(false);
    }
    read_hyper(error).or_else(|| read_tonic(error))
}

#[cfg(feature = "hyper")]
fn read_hyper(error: &(dyn Error + 'static)) -> Option<bool> {
    use hyper_util::client::legacy;

    if let Some(error) = error.downcast_ref::<legacy::Error>() {
        return error.is_connect().then_some(true);
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return error.is_user().then_some(false);
    }
    let error: &h2::Error = error.downcast_ref()?;
    let is_unprocessed = match error.reason() {
        Some(h2::Reason::REFUSED_STREAM) => error.is_reset(),
        // h2 ends a stream with the peer's GOAWAY of `NO_ERROR` only if the stream is above the last one that the
        // peer accepts; those below continue.
        Some(h2::Reason::NO_ERROR) => error.is_go_away(),
        _ => false,
    };
    // hyper resets a stream whose request body fails, with the reason of the body's error.
    Some(is_unprocessed && error.is_remote())
}

#[cfg(not(feature = "hyper"))]
fn read_hyper(_: &(dyn Error + 'static)) -> Option<bool> {
    None
}

#[cfg(feature = "tonic")]
fn read_tonic(error: &(dyn Error + 'static)) -> Option<bool> {
    error.is::<tonic::ConnectError>().then_some(true)
}

#[cfg(not(feature = "tonic"))]
fn read_tonic(_: &(dyn Error + 'static)) -> Option<bool> {
    None
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    /// An error of a client, with a source.
    #[derive(Debug)]
    struct Failed(Box<dyn Error + Send + Sync>);

    impl fmt::Display for Failed {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("request failed")
        }
    }

    impl Error for Failed {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&*self.0)
        }
    }

    #[test]
    fn no_kind_of_io_error_says_that_a_request_was_never_processed() {
        for kind in [
            io::ErrorKind::AddrNotAvailable,
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::HostUnreachable,
            io::ErrorKind::NetworkUnreachable,
        ] {
            assert!(!was_never_processed(&io::Error::from(kind)), "{kind}");
            let failed = Failed(io::Error::from(kind).into());
            assert!(!was_never_processed(&failed), "{kind}");
        }
    }

    /// hyper sends such a reset itself if the body of a request failed with it.
    #[cfg(feature = "hyper")]
    #[test]
    fn a_reset_that_the_peer_did_not_send_is_no_evidence() {
        for reason in [h2::Reason::REFUSED_STREAM, h2::Reason::NO_ERROR] {
            let failed = Failed(h2::Error::from(reason).into());
            assert!(!was_never_processed(&failed), "{reason:?}");
        }
    }

    #[cfg(feature = "tonic")]
    #[test]
    fn a_channel_that_could_not_connect_processed_nothing() {
        let refused = || tonic::ConnectError(io::Error::other("refused").into());
        assert!(was_never_processed(&Failed(refused().into())));
        // The connection was a tunnel through another client.
        let tunnel = io::Error::other(refused());
        assert!(!was_never_processed(&Failed(tunnel.into())));
    }
}
