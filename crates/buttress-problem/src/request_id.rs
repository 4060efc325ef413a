use http::HeaderValue;

/// The id of a request, copied from its header.
///
/// The copy is inline, because cloning a `HeaderValue` may allocate, and every request is copied, not only those that
/// fail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId {
    length: u8,
    text: [u8; Self::LONGEST],
}

impl RequestId {
    const LONGEST: usize = 128;

    /// Reads an id, if it is safe in a header, a document and a log line: 1 to 128 characters of visible ASCII.
    pub(crate) fn read(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let mut text = [0; Self::LONGEST];
        text.get_mut(..bytes.len())?.copy_from_slice(bytes);
        let length = u8::try_from(bytes.len()).ok()?;
        (length > 0 && bytes.iter().all(u8::is_ascii_graphic)).then_some(Self { length, text })
    }

    pub(crate) fn as_str(&self) -> &str {
        // ASCII is always valid UTF-8.
        std::str::from_utf8(&self.text[..usize::from(self.length)]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_safe_value_is_an_id() {
        let longest = "x".repeat(128);
        for id in ["1", "01JD-~!\"", longest.as_str()] {
            let value = HeaderValue::from_str(id).unwrap();
            assert_eq!(RequestId::read(&value).unwrap().as_str(), id);
        }
        let too_long = "x".repeat(129);
        for id in ["", " ", "a b", "a\tb", "\u{e9}", too_long.as_str()] {
            let value = HeaderValue::from_bytes(id.as_bytes()).unwrap();
            assert!(RequestId::read(&value).is_none(), "{id:?}");
        }
    }
}
