use std::time::Instant;

use buttress_core::{Deadline, Reason, TaskContext};
use buttress_http::deadline::read_deadline;
use buttress_http::request_identity;
use http::{Request, Response};
use http_body::Body;

use super::{Conclude, Kind, Side};
use crate::clock::system_time;
use crate::current::Current;
use crate::deadline_timer::DeadlineTimer;
use crate::{DeadlineBody, DeadlineConfig, Deadlines};

/// An incoming HTTP call. Its deadline is the earliest of those of its headers, the task and the configured timeout.
#[derive(Debug, Clone)]
pub struct Server {
    current: Current<DeadlineConfig>,
}

impl Server {
    pub(crate) fn new(deadlines: &Deadlines) -> Self {
        Self {
            current: Current::new(deadlines.clone()),
        }
    }
}

impl Kind for Server {
    type Config = DeadlineConfig;

    #[inline]
    fn current(&self) -> &Current<DeadlineConfig> {
        &self.current
    }

    #[inline]
    fn current_mut(&mut self) -> &mut Current<DeadlineConfig> {
        &mut self.current
    }
}

impl<B> Side<Request<B>> for Server {
    #[inline]
    fn decide(
        &self,
        now: Instant,
        outer: Option<Deadline>,
        request: &Request<B>,
    ) -> Result<Option<Deadline>, Reason> {
        let DeadlineConfig {
            rule,
            trusted_headers,
            clock_skew,
            ..
        } = self.current.config;
        let given = read_deadline(request.headers(), trusted_headers, clock_skew, system_time);
        let known = request.extensions().get().copied();
        rule.admit(now, given, Deadline::earlier(outer, known))
    }

    #[inline]
    fn tell(&self, _: Instant, deadline: Deadline, request: &mut Request<B>) {
        if self.current.config.extension {
            request.extensions_mut().insert(deadline);
        }
    }

    fn identity(&self, request: &Request<B>) -> Option<u64> {
        request_identity(request.headers())
    }
}

impl<B: Body + Send + 'static> Conclude<Response<B>> for Server {
    type Response = Response<DeadlineBody<B>>;

    #[inline]
    fn conclude(
        response: Response<B>,
        context: &mut Option<TaskContext>,
        watch: &mut Option<DeadlineTimer>,
    ) -> Self::Response {
        DeadlineBody::follow(response, context.take(), watch.take())
    }
}
