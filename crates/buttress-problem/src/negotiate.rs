use http::HeaderValue;

/// In which form a client wants its problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// `application/problem+json`.
    Json,
    /// `text/plain`, for whoever reads no JSON.
    Text,
}

impl Format {
    /// The form that suits the `Accept` lines of a request best (RFC 9110 §12.5.1).
    ///
    /// JSON wins a tie, and is what a client gets that accepts neither: a refusal that said "not acceptable"
    /// would hide what happened. `application/json` also stands for `application/problem+json`, and a client
    /// that reads HTML alone is shown text. What does not parse is ignored.
    pub(crate) fn preferred<'a>(accept: impl IntoIterator<Item = &'a HeaderValue>) -> Self {
        let mut json = Offer::default();
        let mut text = Offer::default();
        let mut html = Offer::default();
        for range in accept
            .into_iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(elements)
        {
            let Some((range, quality)) = media_range(range) else {
                continue;
            };
            for (offer, ranges) in [(&mut json, JSON), (&mut text, TEXT), (&mut html, HTML)] {
                offer.consider(ranges, range, quality);
            }
        }
        let reads_json = json.quality > 0 && json.quality >= text.quality;
        let reads_text = text.quality > 0 || html.quality > 0;
        if reads_text && !reads_json {
            Self::Text
        } else {
            Self::Json
        }
    }
}

/// How much a client wants one of the forms we can make.
#[derive(Debug, Default)]
struct Offer {
    /// Of the range that decided: a more specific one overrules. 0 if none matched yet.
    specificity: usize,
    /// In thousandths; 0 is a refusal.
    quality: u16,
}

impl Offer {
    /// Takes note of a media range, if it is one of the `ranges` (least specific first) that match this form.
    fn consider(&mut self, ranges: &[&str], range: &str, quality: u16) {
        let Some(position) = ranges.iter().position(|r| r.eq_ignore_ascii_case(range)) else {
            return;
        };
        let specificity = position + 1;
        if specificity > self.specificity {
            *self = Self {
                specificity,
                quality,
            };
        } else if specificity == self.specificity {
            self.quality = self.quality.max(quality);
        }
    }
}

const JSON: &[&str] = &[
    "*/*",
    "application/*",
    "application/json",
    "application/problem+json",
];
const TEXT: &[&str] = &["*/*", "text/*", "text/plain"];
const HTML: &[&str] = &["text/html"];

/// The elements of a comma-separated list. A comma within a quoted string does not separate.
fn elements(line: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    line.split(move |c| {
        let literal = std::mem::take(&mut escaped);
        match c {
            '"' if !literal => quoted = !quoted,
            '\\' if quoted && !literal => escaped = true,
            _ => {}
        }
        c == ',' && !quoted
    })
}

/// A media range without its parameters, and its quality in thousandths.
fn media_range(element: &str) -> Option<(&str, u16)> {
    let mut parts = element.split(';').map(str::trim);
    let range = parts.next().filter(|range| !range.is_empty())?;
    let quality = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    Some((range, quality.map_or(Some(1_000), thousandths)?))
}

/// A `qvalue` (RFC 9110 §12.4.2): from 0 to 1, with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = decimals
        .bytes()
        .zip([100, 10, 1])
        .map(|(digit, unit)| u16::from(digit - b'0') * unit)
        .sum();
    match (whole, part) {
        ("0", part) => Some(part),
        ("1", 0) => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferred(lines: &[&'static str]) -> Format {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| HeaderValue::from_static(line))
            .collect();
        Format::preferred(&lines)
    }

    #[test]
    fn the_better_liked_form_wins_and_json_wins_a_tie() {
        use Format::{Json, Text};
        for (accept, expected) in [
            ("*/*", Json),
            ("application/problem+json", Json),
            ("application/json", Json),
            ("APPLICATION/JSON ; charset=utf-8", Json),
            ("text/plain", Text),
            ("text/*", Text),
            ("text/html", Text),
            ("image/png", Json),
            ("text/plain, application/json", Json),
            ("text/plain, application/json;q=0.999", Text),
            ("text/plain;q=0.5, */*;q=0.4", Text),
            ("text/plain;q=0.5, */*;q=0.6", Json),
            ("application/*;q=0.1, text/plain;q=0.2", Text),
            ("*/*, application/json;q=0, text/html", Text),
            (
                "application/problem+json;q=0, application/json, text/plain",
                Text,
            ),
            ("application/json;q=0", Json),
            ("text/html;q=0", Json),
            // What a browser sends: it takes anything, so it gets the default.
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                Json,
            ),
        ] {
            assert_eq!(preferred(&[accept]), expected, "{accept}");
        }
        assert_eq!(preferred(&[]), Json);
        assert_eq!(
            preferred(&["text/plain;q=0.5", "application/json;q=0.6"]),
            Json
        );
        assert_eq!(
            preferred(&["text/plain;q=0.6", "application/json;q=0.5"]),
            Text
        );
    }

    #[test]
    fn what_does_not_parse_is_ignored() {
        for accept in [
            "",
            ",;,",
            ";q=1",
            "text/plain;q=",
            "text/plain;q=2",
            "text/plain;q=1.001",
            "text/plain;q=0.0001",
            "text/plain;q=-1",
            "text/plain;q=0.+1",
            "text",
        ] {
            assert_eq!(preferred(&[accept]), Format::Json, "{accept}");
        }
        let opaque = HeaderValue::from_bytes(b"text/plain, \xff").unwrap();
        assert_eq!(Format::preferred([&opaque]), Format::Json);
    }

    #[test]
    fn a_comma_in_a_quoted_string_separates_nothing() {
        let accept = r#"application/json;a="x\", text/plain, ";q=0.2, text/plain;q=0.1"#;
        assert_eq!(elements(accept).count(), 2);
        assert_eq!(
            preferred(&[r#"image/png;a=", text/plain, ""#]),
            Format::Json
        );
    }
}
