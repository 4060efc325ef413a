use http::HeaderValue;

/// The format of a problem that a client accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// `application/problem+json`.
    Json,
    /// `text/plain`, for clients that do not accept JSON.
    Text,
}

impl Format {
    /// Returns the format that best matches the `Accept` headers of a request (RFC 9110 §12.5.1).
    ///
    /// JSON wins a tie, and is sent to a client that accepts neither, because a status of "not acceptable" would hide
    /// the error. `application/json` includes `application/problem+json`, and a client that accepts only HTML gets
    /// text. Malformed elements are ignored.
    pub(crate) fn preferred<'a>(accept: impl IntoIterator<Item = &'a HeaderValue>) -> Self {
        let mut json = Offer::default();
        let mut text = Offer::default();
        let mut html = Offer::default();
        for element in accept
            .into_iter()
            .flat_map(|line| elements(line.as_bytes()))
        {
            let (range, parameters) = split_at(element, b';');
            // This runs for every request, so a range that does not matter is skipped before its parameters are
            // parsed.
            let Some((_, specificity)) = RANGES.iter().find(|(r, _)| r.eq_ignore_ascii_case(range))
            else {
                continue;
            };
            let Some(quality) = quality(parameters) else {
                continue;
            };
            for (offer, specificity) in [&mut json, &mut text, &mut html]
                .into_iter()
                .zip(*specificity)
            {
                offer.consider(specificity, quality);
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

/// The relevant media ranges, and how specific each is for JSON, text and HTML; 0 does not match.
const RANGES: [(&[u8], [u8; 3]); 7] = [
    (b"*/*", [1, 1, 0]),
    (b"application/*", [2, 0, 0]),
    (b"application/json", [3, 0, 0]),
    (b"application/problem+json", [4, 0, 0]),
    (b"text/*", [0, 2, 0]),
    (b"text/plain", [0, 3, 0]),
    (b"text/html", [0, 0, 1]),
];

/// The weight that a client gives to a supported format.
#[derive(Default)]
struct Offer {
    /// The specificity of the range that matched; a more specific one replaces it. 0 if none has matched.
    specificity: u8,
    /// In thousandths; 0 means not acceptable.
    quality: u16,
}

impl Offer {
    fn consider(&mut self, specificity: u8, quality: u16) {
        if specificity > self.specificity {
            *self = Self {
                specificity,
                quality,
            };
        } else if specificity == self.specificity && specificity > 0 {
            self.quality = self.quality.max(quality);
        }
    }
}

/// Splits a comma-separated list. A comma in a quoted string does not separate.
fn elements(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    let mut escaped = false;
    line.split(move |&byte| {
        let literal = std::mem::take(&mut escaped);
        match byte {
            b'"' if !literal => quoted = !quoted,
            b'\\' if quoted && !literal => escaped = true,
            _ => {}
        }
        byte == b',' && !quoted
    })
}

/// Returns the quality among the parameters of a media range, in thousandths: 1000 if there is none, and `None` if it
/// is malformed.
fn quality(mut parameters: &[u8]) -> Option<u16> {
    while !parameters.is_empty() {
        let (parameter, rest) = split_at(parameters, b';');
        let (name, value) = split_at(parameter, b'=');
        if name.eq_ignore_ascii_case(b"q") {
            return thousandths(value);
        }
        parameters = rest;
    }
    Some(1_000)
}

/// Parses a `qvalue` (RFC 9110 §12.4.2): from 0 to 1, with at most three decimals.
fn thousandths(value: &[u8]) -> Option<u16> {
    let (whole, decimals) = split_at(value, b'.');
    if decimals.len() > 3 || !decimals.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = decimals.iter().zip([100, 10, 1]);
    let part = digits
        .map(|(digit, unit)| u16::from(digit - b'0') * unit)
        .sum();
    match (whole, part) {
        (b"0", part) => Some(part),
        (b"1", 0) => Some(1_000),
        _ => None,
    }
}

/// Splits at the first separator, and trims both parts.
fn split_at(text: &[u8], separator: u8) -> (&[u8], &[u8]) {
    let mut parts = text.splitn(2, |&byte| byte == separator);
    let mut part = || parts.next().unwrap_or_default().trim_ascii();
    (part(), part())
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
    fn the_preferred_format_wins_and_json_wins_a_tie() {
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
            // A browser accepts anything, so it gets the default.
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
    fn malformed_elements_are_ignored() {
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
        let opaque = HeaderValue::from_bytes(b"text/plain\xff, \xff").unwrap();
        assert_eq!(Format::preferred([&opaque]), Format::Json);
    }

    #[test]
    fn a_comma_in_a_quoted_string_does_not_separate() {
        let accept = r#"application/json;a="x\", text/plain, ";q=0.2, text/plain;q=0.1"#;
        assert_eq!(elements(accept.as_bytes()).count(), 2);
        assert_eq!(
            preferred(&[r#"image/png;a=", text/plain, ""#]),
            Format::Json
        );
    }
}
