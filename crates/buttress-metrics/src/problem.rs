use std::error::Error;

use buttress_core::{Reason, Rejection};

use crate::meter::{Family, Labels, Meter, Registrar};
use crate::names;

/// The signals of a layer that turns errors into responses.
///
/// See the [crate docs](crate) for what it emits.
#[derive(Debug)]
pub struct ProblemSignals {
    meter: Meter<Handles>,
    /// The status of the response to a rejection.
    statuses: fn(Reason) -> u16,
}

/// An event: an error became a response.
///
/// It has what the client must not see: the error's text and its sources.
#[non_exhaustive]
#[derive(Debug, Clone, Copy)]
pub enum ProblemEvent<'a> {
    /// The error was not a rejection.
    Failed {
        /// The status of the response.
        status: u16,
        /// The error.
        error: &'a (dyn Error + 'static),
        /// The id of the request, by which the client can refer to this event.
        request_id: Option<&'a str>,
    },
    /// A layer of Buttress rejected the call.
    Rejected {
        /// The status of the response.
        status: u16,
        /// The rejection.
        rejection: &'a Rejection,
        /// The id of the request, by which the client can refer to this event.
        request_id: Option<&'a str>,
    },
}

impl ProblemSignals {
    /// Creates signals for one layer or several: they have no name.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            meter: Meter::new(),
            statuses: |_| 503,
        }
    }

    /// Sets the status of the response to a rejection, for each reason. These series start at 0, and are counted
    /// without a lookup. Any other status is counted too. The default is 503.
    #[must_use]
    pub const fn statuses(mut self, statuses: fn(Reason) -> u16) -> Self {
        self.statuses = statuses;
        self
    }

    /// Emits the signals.
    pub fn emit(&self, event: ProblemEvent<'_>) {
        self.record(event);
        log(event);
    }

    fn record(&self, event: ProblemEvent<'_>) {
        let find = || {
            let register = |registrar: &Registrar<'_>| Handles::register(registrar, self.statuses);
            self.meter.find(None, register)
        };
        if let Some(handles) = self.meter.handles().or_else(find) {
            handles.responses.increment(match event {
                ProblemEvent::Failed { status, .. } => (status, None),
                ProblemEvent::Rejected {
                    status, rejection, ..
                } => (status, Some(rejection.reason())),
            });
        }
    }
}

impl Default for ProblemSignals {
    fn default() -> Self {
        Self::new()
    }
}

fn log(event: ProblemEvent<'_>) {
    match event {
        ProblemEvent::Failed {
            status,
            error,
            request_id,
        } if status >= 500 => event!(
            ERROR,
            "buttress::problem",
            "request failed",
            status = status,
            request_id = request_id,
            error = error
        ),
        // The client's mistake: useful only for debugging.
        ProblemEvent::Failed {
            status,
            error,
            request_id,
        } => event!(
            DEBUG,
            "buttress::problem",
            "request failed",
            status = status,
            request_id = request_id,
            error = error
        ),
        ProblemEvent::Rejected {
            status,
            rejection,
            request_id,
        } => event!(
            DEBUG,
            "buttress::problem",
            "request rejected",
            status = status,
            request_id = request_id,
            layer = rejection.layer(),
            reason = rejection.reason().as_str()
        ),
    }
}

#[derive(Debug)]
struct Handles {
    /// By status and reason. Without a reason it was not a rejection.
    responses: Family<(u16, Option<Reason>)>,
}

impl Handles {
    fn register(registrar: &Registrar<'_>, statuses: fn(Reason) -> u16) -> Self {
        let refused = Reason::ALL
            .iter()
            .map(|&reason| (statuses(reason), Some(reason)));
        let failed = [500, 502, 504].map(|status| (status, None));
        Self {
            responses: registrar.family(
                &names::PROBLEM_RESPONSES,
                refused.chain(failed),
                response_labels,
            ),
        }
    }
}

fn response_labels((status, reason): (u16, Option<Reason>)) -> Labels {
    let reason = reason.map_or("error", Reason::as_str);
    vec![
        ("status", status.to_string().into()),
        ("reason", reason.into()),
    ]
}
