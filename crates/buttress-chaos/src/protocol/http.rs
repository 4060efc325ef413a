use buttress_core::chaos::{Answer, BodyFault, Subject};
use buttress_core::{BoxError, Protocol};
use buttress_http::{Classify, Http, HttpClassifier, attempt_of, grpc, request_identity};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::Body;

use super::{FaultTarget, InjectResponse, as_error};
use crate::FaultyBody;
use crate::injection::Injection;

/// Calls over HTTP, and gRPC.
#[derive(Debug, Clone, Copy)]
pub enum HttpCalls {}

/// The header with the faults of a response.
const FAULT_HEADER: HeaderName = HeaderName::from_static("x-buttress-fault");

impl<B> FaultTarget<Request<B>> for HttpCalls {
    fn subject(request: &Request<B>) -> impl Subject {
        Head(request)
    }

    fn identity(request: &Request<B>) -> Option<u64> {
        request_identity(request.headers())
    }
}

struct Head<'a, B>(&'a Request<B>);

impl<B> Subject for Head<'_, B> {
    fn method(&self) -> Option<&str> {
        Some(self.0.method().as_str())
    }

    fn path(&self) -> Option<&str> {
        Some(self.0.uri().path())
    }

    fn header(&self, name: &str) -> Option<&[u8]> {
        self.0.headers().get(name).map(HeaderValue::as_bytes)
    }

    fn attempt(&self) -> u32 {
        attempt_of(self.0.headers())
    }
}

impl<B: Body> InjectResponse<Response<B>> for HttpCalls {
    type Response = Response<FaultyBody<B>>;

    #[inline]
    fn pass(response: Response<B>) -> Self::Response {
        response.map(FaultyBody::untouched)
    }

    fn answer(answer: &Answer, mut injection: Injection) -> Result<Self::Response, BoxError> {
        injection.conclude(true);
        let mut response = Response::new(FaultyBody::empty());
        match answer {
            Answer::GrpcStatus { code, message } => {
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, grpc::CONTENT_TYPE);
                headers.insert(grpc::STATUS, HeaderValue::from(u16::from(*code)));
                headers.insert(grpc::MESSAGE, grpc::encode_message(message.as_str()));
            }
            Answer::Status(status) => {
                *response.status_mut() =
                    StatusCode::from_u16(*status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            }
            Answer::Abort | Answer::Error | Answer::Hang | Answer::Panic => {
                return Err(as_error(answer, &injection));
            }
        }
        tell(response.headers_mut(), &injection);
        Ok(response)
    }

    fn tamper(
        result: Result<Response<B>, BoxError>,
        mut injection: Injection,
    ) -> Result<Self::Response, BoxError> {
        let mut response = match result {
            Ok(response) => response,
            Err(error) => {
                injection.conclude(HttpClassifier::client().error(&*error).outcome.is_failure());
                return Err(error);
            }
        };
        let head = HttpClassifier::client().head(response.status(), response.headers());
        let fails = head.is_some_and(|report| report.outcome.is_failure());
        tell(response.headers_mut(), &injection);
        let body = injection.take_body();
        // A fault in a body is a failure for its reader, unless it only delays the body.
        let breaks = body
            .as_ref()
            .is_some_and(|(fault, _)| !matches!(fault, BodyFault::Drip { .. }));
        if body.is_none() && !fails && injection.is_guarded() {
            let mut recorder = Some(injection.recording());
            let response = Http::default().conclude(Ok(response), &mut recorder)?;
            return Ok(response.map(FaultyBody::recorded));
        }
        injection.conclude(fails || breaks);
        let Some((fault, place)) = body else {
            return Ok(response.map(FaultyBody::untouched));
        };
        if let BodyFault::WrongLength { excess } = fault {
            lengthen(&mut response, excess);
        }
        let shared = injection.shared();
        Ok(response.map(|body| FaultyBody::affected(body, fault, shared, place)))
    }
}

/// Adds the fault header, if it is configured, in addition to that of an inner injector.
fn tell(headers: &mut HeaderMap, injection: &Injection) {
    if let Some(fault_names) = injection
        .fault_names()
        .and_then(|fault_names| HeaderValue::from_str(fault_names).ok())
    {
        headers.append(FAULT_HEADER, fault_names);
    }
}

fn lengthen<B: Body>(response: &mut Response<B>, excess: u32) {
    let said = response.headers().get(CONTENT_LENGTH);
    let said = said.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if let Some(length) = said.or_else(|| response.body().size_hint().exact()) {
        let wrong = length.saturating_add(u64::from(excess));
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(wrong));
    }
}
