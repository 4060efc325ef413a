use std::error::Error;
use std::io;

/// An error and everything it comes from, outermost first.
///
/// Unlike a plain walk over `source`, this one looks into an `io::Error`: its `source` skips the error it wraps, which
/// is where body and connection adapters put the cause.
///
/// ```
/// use buttress_core::{Reason, Rejection, chain};
/// use std::io;
///
/// let error = io::Error::other(Rejection::new(Reason::CircuitOpen, "payments"));
/// assert!(chain(&error).any(|link| link.is::<Rejection>()));
/// ```
pub fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[test]
    fn an_io_error_does_not_hide_what_it_wraps() {
        let error = io::Error::other(io::Error::other(fmt::Error));
        assert_eq!(chain(&error).count(), 3);
        assert!(chain(&error).any(|link| link.is::<fmt::Error>()));
    }
}
