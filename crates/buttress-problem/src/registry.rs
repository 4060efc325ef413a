use std::error::Error;
use std::fmt;
use std::sync::Arc;

use buttress_core::{FailureKind, Outcome, Rejection, chain, classify_error, classify_known_error};
use buttress_http::grpc::status_of;
use http::StatusCode;

use crate::{Problem, grpc};

/// Maps errors to problems. See [`ProblemConfig::on`](crate::ProblemConfig::on).
#[derive(Clone, Default)]
pub(crate) struct Registry {
    entries: Vec<Entry>,
}

/// Returns the problem of an error, if the error has the entry's type.
type Entry = Arc<dyn Fn(&(dyn Error + 'static)) -> Option<Problem> + Send + Sync>;

impl Registry {
    /// Registers the problem of errors of type `E`. The last registration of a type is used.
    pub(crate) fn on<E>(mut self, problem: impl Fn(&E) -> Problem + Send + Sync + 'static) -> Self
    where
        E: Error + 'static,
    {
        self.entries
            .push(Arc::new(move |error| error.downcast_ref().map(&problem)));
        self
    }

    /// Returns the problem of `error`.
    pub(crate) fn of(&self, error: &(dyn Error + 'static)) -> Problem {
        chain(error)
            .find_map(|link| self.registered(link).or_else(|| known(link)))
            .or_else(|| of_grpc_status(error))
            .unwrap_or_else(|| unknown(error))
    }

    fn registered(&self, link: &(dyn Error + 'static)) -> Option<Problem> {
        self.entries.iter().rev().find_map(|entry| entry(link))
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("entries", &self.entries.len())
            .finish()
    }
}

/// The problem of an error that needs no registration.
fn known(link: &(dyn Error + 'static)) -> Option<Problem> {
    if let Some(problem) = link.downcast_ref::<Problem>() {
        return Some(problem.clone());
    }
    link.downcast_ref::<Rejection>().map(Problem::from)
}

/// The problem of a gRPC status in an error. An error that was converted into a status is read itself.
fn of_grpc_status(error: &(dyn Error + 'static)) -> Option<Problem> {
    if classify_known_error(error).is_some() {
        return None;
    }
    let status = status_of(error)?;
    let problem = grpc::read(&status.to_headers())?;
    let blames_the_caller = problem.status().is_client_error();
    let message = status.message.to_owned();
    Some(match blames_the_caller {
        _ if message.is_empty() => problem,
        true => problem.with_detail(message),
        false => problem.with_internal(message),
    })
}

/// A status without details, from the outcome of the error.
fn unknown(error: &(dyn Error + 'static)) -> Problem {
    let report = classify_error(error);
    let problem = Problem::new(match report.outcome {
        Outcome::Failure(FailureKind::Timeout) => StatusCode::GATEWAY_TIMEOUT,
        Outcome::Failure(FailureKind::Transport) => StatusCode::BAD_GATEWAY,
        Outcome::Failure(FailureKind::Overload) => StatusCode::SERVICE_UNAVAILABLE,
        Outcome::Failure(FailureKind::Error) | Outcome::Success | Outcome::Ignored => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    });
    match report.retry_after {
        Some(after) => problem.with_retry_after(after),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use buttress_core::{BoxError, ClassifiedError, Reason};

    use super::*;

    #[derive(Debug)]
    struct Outer(BoxError);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&*self.0)
        }
    }

    fn status(problems: &Registry, error: impl Into<BoxError>) -> u16 {
        problems.of(&*error.into()).status().as_u16()
    }

    #[test]
    fn the_outermost_known_error_is_used() {
        let rejection = || Rejection::new(Reason::CircuitOpen, "a");
        let inner = Registry::default().on(|_: &fmt::Error| Problem::new(StatusCode::GONE));
        assert_eq!(status(&inner, Outer(fmt::Error.into())), 410);
        assert_eq!(status(&inner, Outer(rejection().into())), 503);

        let both = inner.on(|_: &Outer| Problem::new(StatusCode::CONFLICT));
        assert_eq!(status(&both, Outer(fmt::Error.into())), 409);
        assert_eq!(status(&both, Outer(rejection().into())), 409);
    }

    #[test]
    fn the_source_of_an_io_error_is_found() {
        let rejection = Rejection::new(Reason::CircuitOpen, "a");
        assert_eq!(
            status(&Registry::default(), io::Error::other(rejection)),
            503
        );
    }

    #[test]
    fn a_problem_is_used_as_it_is() {
        let problem = Problem::new(StatusCode::IM_A_TEAPOT).with_detail("a test problem");
        let found = Registry::default().of(&Outer(problem.clone().into()));
        assert_eq!(found, problem);
    }

    #[test]
    fn a_registration_replaces_an_earlier_one_and_the_built_in() {
        let problems = Registry::default()
            .on(|_: &Rejection| Problem::new(StatusCode::CONFLICT))
            .on(|_: &Rejection| Problem::new(StatusCode::GONE));
        assert_eq!(
            status(&problems, Rejection::new(Reason::CircuitOpen, "a")),
            410
        );
    }

    #[test]
    fn an_unknown_error_is_only_a_status() {
        let problems = Registry::default();
        assert_eq!(
            problems.of(&fmt::Error),
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR)
        );
        for (kind, expected) in [
            (FailureKind::Error, 500),
            (FailureKind::Transport, 502),
            (FailureKind::Overload, 503),
            (FailureKind::Timeout, 504),
        ] {
            let error = ClassifiedError::new(Outcome::Failure(kind), fmt::Error);
            assert_eq!(status(&problems, error), expected);
        }
        assert_eq!(
            status(&problems, io::Error::from(io::ErrorKind::ConnectionRefused)),
            502
        );
    }
}
