use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use buttress_http::grpc::GrpcCode;
use http::{HeaderMap, StatusCode};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::grpc::{self, codes};

/// A problem document (RFC 9457): the response to a failed call.
///
/// It has two texts. [`detail`](Self::detail) is for the client; [`internal`](Self::internal) is for operators, is
/// logged, and is part of no response.
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
/// It is also an error, so a service can return one: `Err(problem.into())` inside a
/// [`ProblemLayer`](crate::ProblemLayer). It converts to a `http::Response<B>` for any body that can be created from
/// [`Bytes`](bytes::Bytes).
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
    /// The type of a problem without a URI.
    pub const ABOUT_BLANK: &'static str = "about:blank";

    /// The media type of a problem document.
    pub const CONTENT_TYPE: &'static str = "application/problem+json";

    /// Creates a problem with the type `about:blank` and the status's phrase as its title.
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

    /// Sets the kind of problem, as a URI reference. It should be absolute and need not resolve.
    #[must_use]
    pub fn with_type(mut self, type_uri: impl Into<Cow<'static, str>>) -> Self {
        self.0.type_uri = type_uri.into();
        self
    }

    /// Sets the text for this kind of problem, the same for every occurrence.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<Cow<'static, str>>) -> Self {
        self.0.title = title.into();
        self
    }

    /// Sets the text about this occurrence, for the client.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Sets the URI reference of this occurrence.
    #[must_use]
    pub fn with_instance(mut self, instance: impl Into<Cow<'static, str>>) -> Self {
        self.0.instance = Some(instance.into());
        self
    }

    /// Adds or replaces an extension member.
    ///
    /// The five standard names (`type`, `title`, `status`, `detail`, `instance`) are not extensions: a member with
    /// such a name is dropped.
    #[must_use]
    pub fn with_member(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let name = name.into();
        if !STANDARD.contains(&name.as_str()) {
            self.0.members.insert(name, value.into());
        }
        self
    }

    /// Sets the text for operators. It is logged, and never sent.
    #[must_use]
    pub fn with_internal(mut self, internal: impl Into<Cow<'static, str>>) -> Self {
        self.0.internal = Some(internal.into());
        self
    }

    /// Sets the code of a gRPC call. The default is the code nearest to the status.
    #[must_use]
    pub fn with_grpc_code(mut self, code: GrpcCode) -> Self {
        self.0.grpc_code = Some(code);
        self
    }

    /// Returns the kind of problem, as a URI reference.
    #[must_use]
    pub fn type_uri(&self) -> &str {
        &self.0.type_uri
    }

    /// Returns the text for this kind of problem.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// Returns the problem as the head of a gRPC response without messages: status, message, pushback and details.
    #[must_use]
    pub fn to_grpc_headers(&self) -> HeaderMap {
        grpc::response(self).into_parts().0.headers
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Returns the text about this occurrence, for the client.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// Returns the URI reference of this occurrence.
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        self.0.instance.as_deref()
    }

    /// Returns the extension members.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.0.members
    }

    /// Returns the text for operators.
    #[must_use]
    pub fn internal(&self) -> Option<&str> {
        self.0.internal.as_deref()
    }

    /// Returns the code of a gRPC call: the configured one, or the nearest to the status.
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
        // Field by field, so that a new field must be added here or excluded explicitly.
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
        // Only the client's text, because the text of an error may be sent in a response.
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
    fn a_standard_name_is_not_an_extension() {
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
