//! Finds positions in the text, for keys that serde and a plan report by name only.

use std::ops::Range;

/// Returns the key whose value starts at `offset`.
pub(super) fn key_of(text: &str, offset: usize) -> Option<&str> {
    let before = text.get(..offset)?.trim_end().strip_suffix('=')?.trim_end();
    let begin = before.rfind(|c| !is_of_key(c)).map_or(0, |at| at + 1);
    let key = &before[begin..];
    (!key.is_empty()).then_some(key)
}

/// Returns the position of a field in the table at `span`, or that of the table if there is no such field:
/// `delay.least` is `least` in `delay`.
pub(super) fn of_field(text: &str, span: Range<usize>, field: &str) -> Range<usize> {
    let key = field.rsplit('.').next().unwrap_or(field);
    let inline = text[span.start..].starts_with('{');
    let end = if inline {
        span.end
    } else {
        // A table ends at the start of the next.
        let rest = &text[span.start..];
        rest.find("\n[").map_or(text.len(), |at| span.start + at)
    };
    let table = &text[span.start..end];
    let found = table.match_indices(key).find(|(at, _)| {
        let (before, after) = (&table[..*at], &table[at + key.len()..]);
        !before.ends_with(is_of_key) && after.trim_start().starts_with('=')
    });
    match found {
        Some((at, _)) => span.start + at..span.start + at + key.len(),
        None => span,
    }
}

fn is_of_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_before_its_value() {
        let text = "a = 1\nb = { long_c = 2, d=3 }";
        let key = |value| key_of(text, text.find(value).unwrap());
        assert_eq!(key("1"), Some("a"));
        assert_eq!(key("2"), Some("long_c"));
        assert_eq!(key("3"), Some("d"));
        assert_eq!(key("b"), None);
    }

    #[test]
    fn a_field_is_found_in_its_table_and_in_no_other() {
        let text = "[a]\nmost_x = 1\nmost = 2\n[b]\nleast = 3\n";
        let found = |field| &text[of_field(text, 0..3, field)];
        assert_eq!(
            of_field(text, 0..3, "delay.most").start,
            text.find("most = 2").unwrap()
        );
        assert_eq!(found("x.least"), "[a]");
        let inline = "a = { c = 1 }\nd = 2";
        assert_eq!(&inline[of_field(inline, 4..13, "c")], "c");
        assert_eq!(&inline[of_field(inline, 4..13, "d")], "{ c = 1 }");
    }
}
