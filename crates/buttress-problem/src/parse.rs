use buttress_core::BoxError;
use http::StatusCode;
use serde_json::{Map, Value};

use crate::Problem;

/// Reads a problem document of a response with `status`.
///
/// Members of the wrong type are ignored (RFC 9457 §3.1), unknown members are kept. The member `status` is only
/// advisory, and dropped in favour of the response's status.
pub(crate) fn document(status: StatusCode, bytes: &[u8]) -> Result<Problem, BoxError> {
    // Not part of JSON, but some servers send it, and readers may skip it (RFC 8259, section 8.1).
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let members: Map<String, Value> = serde_json::from_slice(bytes)?;
    Ok(members.into_iter().fold(Problem::new(status), read_member))
}

fn read_member(problem: Problem, (name, value): (String, Value)) -> Problem {
    match (name.as_str(), value) {
        ("type", Value::String(text)) => problem.with_type(text),
        ("title", Value::String(text)) => problem.with_title(text),
        ("detail", Value::String(text)) => problem.with_detail(text),
        ("instance", Value::String(text)) => problem.with_instance(text),
        // Drops the other standard members: the status, and those of the wrong type.
        (_, value) => problem.with_member(name, value),
    }
}

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(document: &str) -> Result<Problem, BoxError> {
        super::document(StatusCode::CONFLICT, document.as_bytes())
    }

    #[test]
    fn members_of_the_wrong_type_are_ignored() {
        let document = r#"{"type":1,"title":null,"status":"x","detail":[],"instance":{}}"#;
        assert_eq!(read(document).unwrap(), Problem::new(StatusCode::CONFLICT));
    }

    #[test]
    fn the_status_is_that_of_the_response() {
        let problem = read(r#"{"status":418,"title":"Teapot"}"#).unwrap();
        assert_eq!(
            problem,
            Problem::new(StatusCode::CONFLICT).with_title("Teapot")
        );
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        let problem = read("\u{FEFF}{\"title\":\"Gone\"}").unwrap();
        assert_eq!(problem.title(), "Gone");
        assert!(read("\u{FEFF}\u{FEFF}{}").is_err());
    }

    #[test]
    fn a_document_must_be_an_object() {
        for document in [
            "",
            "null",
            "[]",
            "7",
            "{",
            r#"{"type":"x"} trailing"#,
            "\u{0}",
        ] {
            assert!(read(document).is_err(), "{document:?}");
        }
        assert!(read(&"[".repeat(1 << 20)).is_err());
        assert!(read(&format!(r#"{{"a":{}"#, "[".repeat(1 << 20))).is_err());
    }
}
