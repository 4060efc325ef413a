use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use buttress_core::{Ratio, Rejection, chain};
use buttress_metrics::{ProblemEvent, ProblemSignals};
use bytes::Bytes;
use http::response::Parts;
use http::{HeaderValue, Response, header};

use crate::asked::{Form, RequestFormat};
use crate::negotiate::Format;
use crate::{Problem, ProblemConfig, grpc, reasons, render};

/// Turns errors into responses and logs them. All services of a handle share one for each configuration.
#[derive(Debug)]
pub(crate) struct Responder {
    pub(crate) config: ProblemConfig,
    signals: Arc<ProblemSignals>,
    /// Whether there is a newer configuration, which a service then reads from its handle.
    is_replaced: AtomicBool,
}

impl Responder {
    pub(crate) fn new(config: ProblemConfig) -> Self {
        Self {
            config,
            signals: Arc::new(ProblemSignals::new().statuses(reasons::status)),
            is_replaced: AtomicBool::new(false),
        }
    }

    /// Returns a responder with another configuration and the same signals.
    pub(crate) fn with(&self, config: ProblemConfig) -> Self {
        Self {
            config,
            signals: Arc::clone(&self.signals),
            is_replaced: AtomicBool::new(false),
        }
    }

    /// Whether there is a newer configuration.
    #[inline]
    pub(crate) fn is_replaced(&self) -> bool {
        self.is_replaced.load(Ordering::Relaxed)
    }

    /// Tells the services that there is a newer configuration. The lock of the handle orders it before their reads.
    pub(crate) fn replaced(&self) {
        self.is_replaced.store(true, Ordering::Relaxed);
    }

    /// Returns the response to a call that failed with `error`.
    pub(crate) fn respond(
        &self,
        asked: &RequestFormat,
        error: &(dyn Error + 'static),
    ) -> Response<Bytes> {
        self.answer(asked, self.config.registry.of(error), error)
    }

    /// Converts a problem response of the inner service: to the format that the client accepts, with the values of
    /// the request, and with the other headers of `answered`.
    pub(crate) fn restate(
        &self,
        asked: &RequestFormat,
        problem: &Problem,
        answered: Parts,
    ) -> Response<Bytes> {
        let mut response = self.answer(asked, problem.clone(), problem);
        let mut name = None;
        for (next, value) in answered.headers {
            name = next.or(name);
            if let Some(name) = name.clone().filter(|name| !render::FORM.contains(name)) {
                response.headers_mut().append(name, value);
            }
        }
        *response.extensions_mut() = answered.extensions;
        response
    }

    fn answer(
        &self,
        asked: &RequestFormat,
        problem: Problem,
        error: &(dyn Error + 'static),
    ) -> Response<Bytes> {
        self.tell(asked, &problem, error);
        let problem = self.complete(problem, asked);

        let mut response = match asked.form {
            Form::Grpc => grpc::response(&problem),
            Form::Http { format, head } => {
                let mut response = match format {
                    Format::Json => render::json(&problem),
                    Format::Text => render::text(&problem),
                };
                // The format depends on `Accept`, which caches must know.
                let vary = HeaderValue::from(header::ACCEPT);
                response.headers_mut().insert(header::VARY, vary);
                if head {
                    response.body_mut().clear();
                }
                response
            }
        };
        let name = self.config.request_id_header.as_ref();
        if let Some((name, id)) = name.zip(asked.request_id.as_ref())
            && let Ok(id) = HeaderValue::from_str(id.as_str())
        {
            response.headers_mut().insert(name, id);
        }
        response
    }

    /// Adds the values of the request to the problem.
    fn complete(&self, mut problem: Problem, asked: &RequestFormat) -> Problem {
        if let Some(id) = &asked.request_id {
            problem = problem.with_request_id(id.as_str());
        }
        if let (None, Some(path)) = (problem.instance(), &asked.instance) {
            problem = problem.with_instance(path.to_string());
        }
        if let Some(after) = problem.retry_after() {
            let jitter = self.config.retry_after_jitter;
            if jitter > Ratio::ZERO {
                problem = problem.with_retry_after(with_jitter(after, jitter, fastrand::f64()));
            }
        }
        problem
    }

    fn tell(&self, asked: &RequestFormat, problem: &Problem, error: &(dyn Error + 'static)) {
        let status = problem.status().as_u16();
        let request_id = asked.request_id.as_ref().map(|id| id.as_str());
        if let Some(rejection) = Rejection::find(error) {
            return self.signals.emit(ProblemEvent::Rejected {
                status,
                rejection,
                request_id,
            });
        }
        let noted = problem.internal().map(|text| LoggedError::new(text, error));
        self.signals.emit(ProblemEvent::Failed {
            status,
            error: noted.as_ref().map_or(error, |noted| noted),
            request_id,
        });
    }
}

/// An error for the log whose problem has an internal text: that text, and then the error with its sources.
#[derive(Debug)]
struct LoggedError(String);

impl LoggedError {
    fn new(text: &str, error: &(dyn Error + 'static)) -> Self {
        let mut noted = text.to_owned();
        for link in chain(error) {
            noted.push_str(": ");
            noted.push_str(&link.to_string());
        }
        Self(noted)
    }
}

impl fmt::Display for LoggedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for LoggedError {}

/// Extends a wait by a random part, from nothing to `jitter`; `draw` is from 0 to 1.
fn with_jitter(wait: Duration, jitter: Ratio, draw: f64) -> Duration {
    let extra = Duration::try_from_secs_f64(wait.as_secs_f64() * jitter.get() * draw);
    wait.saturating_add(extra.unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_extended_and_never_shortened() {
        let wait = Duration::from_secs(10);
        let quarter = Ratio::percent(25);
        assert_eq!(with_jitter(wait, quarter, 0.0), wait);
        assert_eq!(
            with_jitter(wait, quarter, 0.5),
            Duration::from_millis(11_250)
        );
        assert_eq!(
            with_jitter(wait, quarter, 1.0),
            Duration::from_millis(12_500)
        );
        assert_eq!(with_jitter(wait, Ratio::ZERO, 1.0), wait);
        assert_eq!(with_jitter(Duration::MAX, Ratio::ONE, 1.0), Duration::MAX);
    }

    #[test]
    fn the_logged_error_has_all_sources() {
        let error = std::io::Error::other(fmt::Error);
        let noted = LoggedError::new("the disk of shard 3", &error);
        let expected = format!("the disk of shard 3: {error}: {}", fmt::Error);
        assert_eq!(noted.to_string(), expected);
    }
}
