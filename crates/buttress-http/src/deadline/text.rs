use std::fmt;
use std::ops::Deref;

use http::HeaderValue;

/// A short ASCII header value, written without an allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text {
    bytes: [u8; Self::CAPACITY],
    length: u8,
}

impl Text {
    /// The longest value: 20 digits of a `u64`, or a date with milliseconds, of 24 characters.
    const CAPACITY: usize = 24;

    pub(super) const fn new() -> Self {
        Self {
            bytes: [0; Self::CAPACITY],
            length: 0,
        }
    }

    /// Appends a character. Beyond the capacity, it is dropped.
    pub(super) fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(usize::from(self.length)) {
            *place = byte;
            self.length += 1;
        }
    }

    /// Appends `number`, with leading zeros up to `width`.
    pub(super) fn push_number(&mut self, number: u64, width: u32) {
        let digits = number.checked_ilog10().unwrap_or(0) + 1;
        for place in (0..digits.max(width)).rev() {
            let shifted = 10_u64.checked_pow(place).map_or(0, |ten| number / ten);
            self.push(b'0' + (shifted % 10) as u8);
        }
    }

    /// Returns the value as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self).unwrap_or_default()
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// This allocates, because a `HeaderValue` owns its text.
impl From<Text> for HeaderValue {
    fn from(text: Text) -> Self {
        Self::from_bytes(&text).expect("only digits, letters and a few signs are ever written")
    }
}
