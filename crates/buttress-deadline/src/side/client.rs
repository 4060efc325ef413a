use std::time::{Duration, Instant};

use buttress_core::{Criticality, Deadline, Reason, TaskContext};
use buttress_http::deadline::{DeadlineHeader, DeadlineHeaders, read_deadline, write_deadline};
use buttress_http::{grpc, request_identity};
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body::Body;

use super::{Conclude, Kind, Side};
use crate::clock::system_time;
use crate::current::Current;
use crate::deadline_timer::DeadlineTimer;
use crate::{ClientDeadlineConfig, DeadlineBody, Deadlines};

/// An outgoing HTTP call. Its deadline is the earliest of those of the request, the task and the configured timeout,
/// and is written to the request.
#[derive(Debug, Clone)]
pub struct Client {
    current: Current<ClientDeadlineConfig>,
}

impl Client {
    pub(crate) fn new(deadlines: &Deadlines<ClientDeadlineConfig>) -> Self {
        Self {
            current: Current::new(deadlines.clone()),
        }
    }
}

impl Kind for Client {
    type Config = ClientDeadlineConfig;

    #[inline]
    fn current(&self) -> &Current<ClientDeadlineConfig> {
        &self.current
    }

    #[inline]
    fn current_mut(&mut self) -> &mut Current<ClientDeadlineConfig> {
        &mut self.current
    }
}

impl<B> Side<Request<B>> for Client {
    #[inline]
    fn decide(
        &self,
        now: Instant,
        outer: Option<Deadline>,
        request: &Request<B>,
    ) -> Result<Option<Deadline>, Reason> {
        let extension = request.extensions().get().copied();
        // Written by tonic's `Request::set_timeout`, or passed on by a proxy. A stale value is too large, so the
        // earliest deadline is still right.
        let header = read_deadline(
            request.headers(),
            DeadlineHeaders::RELATIVE,
            Duration::ZERO,
            system_time,
        );
        let header = header.and_then(|given| Deadline::after(now, given));
        let inherited = Deadline::earlier(Deadline::earlier(outer, extension), header);
        self.current.config.rule.send(now, inherited)
    }

    fn tell(&self, now: Instant, deadline: Deadline, request: &mut Request<B>) {
        let headers = request.headers_mut();
        let header = if grpc::is_grpc(headers.get(CONTENT_TYPE)) {
            DeadlineHeader::GrpcTimeout
        } else {
            self.current.config.header
        };
        let given = self.current.config.rule.given(now, deadline);
        write_deadline(headers, header, given, system_time);
        if self.current.config.extension {
            let extensions = request.extensions_mut();
            extensions.insert(deadline);
            // The rest of the task context, for inner services that run in another task.
            if let Some(criticality) = Criticality::current() {
                extensions.insert(criticality);
            }
        }
    }

    fn identity(&self, request: &Request<B>) -> Option<u64> {
        request_identity(request.headers())
    }
}

impl<B: Body + Send + 'static> Conclude<Response<B>> for Client {
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
