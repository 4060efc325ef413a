use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use buttress_http::grpc::GrpcCode;
use http::{HeaderMap, StatusCode};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::grpc::{self, codes};

/// A problem document (RFC 9457): the response that a client gets when a call fails.
///
/// It carries two texts. [`detail`](Self::detail) is written for the client; [`internal`](Self::internal) is written
/// for operators, is logged, and is part of no response.
///
/// ```
/// use buttress_problem::Problem;
/// use http::StatusCode;
///
/// let problem = Problem::new(StatusCode::CONFLICT)
///     .with_type("https://example.com/problems/order-changed")
///     .with_title("The order was changed")
///     .with_detail("Order 7 was changed since you read it.")
///     .with_member("current_version", 12)
///     .with_internal("optimistic lock failed on shard 3");
///
/// assert_eq!(
///     serde_json::to_string(&problem)?,
///     r#"{"type":"https://example.com/problems/order-changed","title":"The order was changed","#.to_owned()
///         + r#""status":409,"detail":"Order 7 was changed since you read it.","current_version":12}"#,
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// It is also an error, so a service can answer with one: `Err(problem.into())` under a
/// [`ProblemLayer`](crate::ProblemLayer). And it turns into a `http::Response<B>` for any body that can be
/// made from [`Bytes`](bytes::Bytes).
#[derive(Debug, Clone, PartialEq)]
pub struct Problem(Box<Fields>);

/// Boxed, so that a `Result<T, Problem>` stays small.
#[derive(Debug, Clone, PartialEq)]
struct Fields {
    type_uri: Cow<'static, str>,
    title: Cow<'static, str>,
    status: StatusCode,
    detail: Option<Cow<'static, str>>,
    instance: Option<Cow<'static, str>>,
    members: Map<String, Value>,
    internal: Option<Cow<'static, str>>,
    grpc_code: Option<GrpcCode>,
}

impl Problem {
    /// The type of a problem without details.
    pub const ABOUT_BLANK: &'static str = "about:blank";

    /// The media type of a problem document.
    pub const CONTENT_TYPE: &'static str = "application/problem+json";

    /// A problem without details: type `about:blank`, titled with the status's own phrase.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self(Box::new(Fields {
            type_uri: Self::ABOUT_BLANK.into(),
            title: status.canonical_reason().unwrap_or("Error").into(),
            status,
            detail: None,
            instance: None,
            members: Map::new(),
            internal: None,
            grpc_code: None,
        }))
    }

    /// Names the kind of problem by a URI reference, which should be absolute and need not resolve.
    #[must_use]
    pub fn with_type(mut self, type_uri: impl Into<Cow<'static, str>>) -> Self {
        self.0.type_uri = type_uri.into();
        self
    }

    /// Says what kind of problem it is, in words that are the same for every occurrence.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<Cow<'static, str>>) -> Self {
        self.0.title = title.into();
        self
    }

    /// Says what happened this time, to the client.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Names this occurrence by a URI reference.
    #[must_use]
    pub fn with_instance(mut self, instance: impl Into<Cow<'static, str>>) -> Self {
        self.0.instance = Some(instance.into());
        self
    }

    /// Adds an extension member, or replaces it.
    ///
    /// The five names of the standard (`type`, `title`, `status`, `detail`, `instance`) are not extensions:
    /// a member of such a name is left out.
    #[must_use]
    pub fn with_member(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let name = name.into();
        if !STANDARD.contains(&name.as_str()) {
            self.0.members.insert(name, value.into());
        }
        self
    }

    /// Describes the failure for operators. This text is logged, and never sent.
    #[must_use]
    pub fn with_internal(mut self, internal: impl Into<Cow<'static, str>>) -> Self {
        self.0.internal = Some(internal.into());
        self
    }

    /// Ends a gRPC call with this code, and not with the one that is nearest to the status.
    #[must_use]
    pub fn with_grpc_code(mut self, code: GrpcCode) -> Self {
        self.0.grpc_code = Some(code);
        self
    }

    /// The kind of problem, as a URI reference.
    #[must_use]
    pub fn type_uri(&self) -> &str {
        &self.0.type_uri
    }

    /// The kind of problem, in words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// The problem as the head of a gRPC response that has nothing else to say: status, message, pushback and details.
    #[must_use]
    pub fn to_grpc_headers(&self) -> HeaderMap {
        grpc::response(self).into_parts().0.headers
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What happened this time, for the client.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// This occurrence, as a URI reference.
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        self.0.instance.as_deref()
    }

    /// The extension members.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.0.members
    }

    /// What happened this time, for the log.
    #[must_use]
    pub fn internal(&self) -> Option<&str> {
        self.0.internal.as_deref()
    }

    /// The code that ends a gRPC call: the one it was given, or the nearest to the status.
    #[must_use]
    pub fn grpc_code(&self) -> GrpcCode {
        self.0
            .grpc_code
            .unwrap_or_else(|| codes::nearest(self.status()))
    }
}

impl From<StatusCode> for Problem {
    fn from(status: StatusCode) -> Self {
        Self::new(status)
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Field by field, so that a field added later must be placed: some are named to be left out.
        let Fields {
            type_uri,
            title,
            status,
            detail,
            instance,
            members,
            internal: _,
            grpc_code: _,
        } = &*self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", type_uri)?;
        map.serialize_entry("title", title)?;
        map.serialize_entry("status", &status.as_u16())?;
        if let Some(detail) = detail {
            map.serialize_entry("detail", detail)?;
        }
        if let Some(instance) = instance {
            map.serialize_entry("instance", instance)?;
        }
        for (name, value) in members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client's text only: an error's text has a way of ending up in a response.
        write!(f, "{} {}", self.status().as_u16(), self.title())?;
        if let Some(detail) = self.detail() {
            write!(f, ": {detail}")?;
        }
        Ok(())
    }
}

impl Error for Problem {}

/// The members that RFC 9457 defines.
const STANDARD: [&str; 5] = ["type", "title", "status", "detail", "instance"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standard_name_is_no_extension() {
        let problem = STANDARD
            .iter()
            .fold(Problem::new(StatusCode::GONE), |problem, name| {
                problem.with_member(*name, "x")
            });
        assert_eq!(problem, Problem::new(StatusCode::GONE));
    }

    #[test]
    fn a_status_without_a_phrase_still_has_a_title() {
        let status = StatusCode::from_u16(599).unwrap();
        assert_eq!(Problem::new(status).to_string(), "599 Error");
    }

    #[test]
    fn the_internal_text_is_neither_sent_nor_displayed() {
        let problem = Problem::new(StatusCode::GONE).with_internal("hunter2");
        assert!(!serde_json::to_string(&problem).unwrap().contains("hunter2"));
        assert!(!problem.to_string().contains("hunter2"));
        assert_eq!(problem.internal(), Some("hunter2"));
    }

    #[test]
    fn a_result_of_a_problem_stays_small() {
        assert_eq!(size_of::<Result<(), Problem>>(), size_of::<usize>());
    }
}
